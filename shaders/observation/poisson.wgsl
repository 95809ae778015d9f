// counts whose variance is their mean: mu - y ln mu

fn loss_at(y: f32, mean: Mean) -> f32 {
    return mean.mu - select(y * mean.log_mu, 0.0, y == 0.0);
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return change.mu - select(y * change.log_mu, 0.0, y == 0.0);
}

fn variance(mu: f32) -> f32 {
    return mu;
}
