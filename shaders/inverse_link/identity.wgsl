// mu = eta

fn mean_at(eta: f32) -> Mean {
    return Mean(eta, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0);
}

fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    return MeanChange(delta, 0.0, 0.0);
}
