// numbers of any kind, with one variance: (y - mu)^2

const FACTOR: f32 = 2.0;

fn loss_at(y: f32, mean: Mean) -> f32 {
    let rest = y - mean.mu;
    return rest * rest;
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return change.mu * (2.0 * (mean.mu - y) + change.mu);
}

fn residual_of(y: f32, mean: Mean) -> f32 {
    return 2.0 * (mean.mu - y);
}

fn magnitude_of(y: f32, mean: Mean) -> f32 {
    return 2.0 * (abs(mean.mu) + abs(y));
}

fn variance(mean: Mean) -> f32 {
    return 1.0;
}

// slope / variance
fn steepness(mean: Mean) -> f32 {
    return mean.slope;
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
