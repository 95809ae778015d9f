// numbers of any kind, with one variance: (y - mu)^2

fn loss_at(y: f32, mean: Mean) -> f32 {
    let rest = y - mean.mu;
    return rest * rest;
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return change.mu * (2.0 * (mean.mu - y) + change.mu);
}

fn variance(mu: f32) -> f32 {
    return 1.0;
}
