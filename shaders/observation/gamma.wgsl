// numbers above 0 that vary in proportion to their mean: y / mu + ln mu

const FACTOR: f32 = 1.0;

fn loss_at(y: f32, mean: Mean) -> f32 {
    return y / mean.mu + mean.log_mu;
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return y / mean.mu * expm1_of(-change.log_mu) + change.log_mu;
}

fn residual_of(y: f32, mean: Mean) -> f32 {
    return mean.mu - y;
}

fn magnitude_of(y: f32, mean: Mean) -> f32 {
    return mean.mu + abs(mean.mu - y);
}

fn variance(mean: Mean) -> f32 {
    return mean.mu * mean.mu;
}

// slope / variance, without the square of the mean, which may be no number
fn steepness(mean: Mean) -> f32 {
    return mean.rise / mean.mu;
}

fn residual_along(y: f32, mean: Mean) -> f32 {
    return residual_of(y, mean) * steepness(mean);
}

fn magnitude_along(y: f32, mean: Mean) -> f32 {
    return magnitude_of(y, mean) * abs(steepness(mean));
}

fn curvature_along(mean: Mean) -> f32 {
    return mean.slope * steepness(mean);
}
