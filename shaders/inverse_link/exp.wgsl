// mu = e^eta

fn mean_at(eta: f32) -> Mean {
    let mu = exp_of(eta);
    return Mean(mu, mu, eta, 0.0, 0.0);
}

fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    return MeanChange(mean.mu * expm1_of(delta), delta, 0.0);
}
