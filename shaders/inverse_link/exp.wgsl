// mu = e^eta

fn mean_at(eta: f32) -> Mean {
    let mu = exp_of(eta);
    return Mean(mu, mu, eta, 0.0, 0.0, 1.0, 0.0);
}

fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    // long steps by the difference: both factors of the product are bounded
    let change = select(mean.mu * expm1_of(delta), exp_of(eta + delta) - mean.mu, abs(delta) > 1.0);
    return MeanChange(change, delta, 0.0);
}
