// an event or none: -ln mu with one, -ln(1 - mu) without

const FACTOR: f32 = 1.0;

fn loss_at(y: f32, mean: Mean) -> f32 {
    return -select(mean.log_mu, mean.log_1m_mu, y == 0.0);
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return -select(change.log_mu, change.log_1m_mu, y == 0.0);
}

fn residual_of(y: f32, mean: Mean) -> f32 {
    return select(-mean.rest, mean.mu, y == 0.0);
}

fn magnitude_of(y: f32, mean: Mean) -> f32 {
    return 2.0 * abs(residual_of(y, mean));
}

fn variance(mean: Mean) -> f32 {
    return mean.mu * mean.rest;
}

// relative slopes, which stay where both probability and slope vanish
fn residual_along(y: f32, mean: Mean) -> f32 {
    return select(-mean.rise, mean.fall, y == 0.0);
}

fn magnitude_along(y: f32, mean: Mean) -> f32 {
    return 2.0 * abs(residual_along(y, mean));
}

fn curvature_along(mean: Mean) -> f32 {
    return mean.rise * mean.fall;
}
