// mu = 1 / eta for eta > 0
//
// No mean belongs to other linear predictors. There the loss is so large, and falls so fast towards where there is one, that
// no solver takes the step: numbers, not NaN, which a device may take for something else.

const OUTSIDE: f32 = 1e30;
const NEAREST: f32 = 1e-15;

fn mean_at(eta: f32) -> Mean {
    let mu = 1.0 / max(eta, NEAREST);
    let is_outside = !(eta > 0.0);
    return Mean(
        mu,
        -(mu * mu),
        select(-ln_of(max(eta, NEAREST)), OUTSIDE, is_outside),
        0.0,
        0.0,
        select(-mu, -OUTSIDE, is_outside),
        0.0,
    );
}

fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    let there = eta + delta;
    let is_outside = !(there > 0.0);
    let ratio = clamp(mean.mu * delta, -0.9999999, 3e38);
    return MeanChange(
        -(mean.mu * (delta / max(there, NEAREST))),
        select(-log1p_of(ratio), OUTSIDE, is_outside),
        0.0,
    );
}
