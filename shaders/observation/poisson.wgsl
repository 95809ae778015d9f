// counts whose variance is their mean: mu - y ln mu

const FACTOR: f32 = 1.0;

fn loss_at(y: f32, mean: Mean) -> f32 {
    return mean.mu - select(y * mean.log_mu, 0.0, y == 0.0);
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return change.mu - select(y * change.log_mu, 0.0, y == 0.0);
}

fn residual_of(y: f32, mean: Mean) -> f32 {
    return mean.mu - y;
}

fn magnitude_of(y: f32, mean: Mean) -> f32 {
    return mean.mu + abs(mean.mu - y);
}

fn variance(mean: Mean) -> f32 {
    return mean.mu;
}

// slope / variance
fn steepness(mean: Mean) -> f32 {
    return mean.rise;
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
