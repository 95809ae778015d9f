// an event or none: -ln mu with one, -ln(1 - mu) without

fn loss_at(y: f32, mean: Mean) -> f32 {
    return -select(mean.log_mu, mean.log_1m_mu, y == 0.0);
}

fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    return -select(change.log_mu, change.log_1m_mu, y == 0.0);
}

fn variance(mu: f32) -> f32 {
    return mu * (1.0 - mu);
}
