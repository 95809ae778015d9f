// mu = ln(1 + e^eta)
//
// With s = e^-|eta|: mu = max(eta, 0) + ln(1 + s), and ln mu of a negative eta is eta + ln(ln(1 + s) / s).

fn mean_at(eta: f32) -> Mean {
    let small = exp_of(-abs(eta));
    let log_part = log1p_of(small);
    let mu = max(eta, 0.0) + log_part;
    let is_high = eta > 0.0;
    let slope = select(small, 1.0, is_high) / (1.0 + small);
    let log_mu = min(eta, 0.0) + log1p_of(select(log_part / small, mu, is_high) - 1.0);
    return Mean(mu, slope, log_mu, 0.0, 0.0, slope / mu, 0.0);
}

// long steps by the difference, short ones so that no digit is lost
fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    let there = mean_at(eta + delta);
    let is_long = abs(delta) > 1.0;
    // what is not taken stays in the domain of its functions
    let rise = log1p_of(mean.slope * expm1_of(clamp(delta, -1.0, 1.0)));
    return MeanChange(
        select(rise, there.mu - mean.mu, is_long),
        select(log1p_of(rise / mean.mu), there.log_mu - mean.log_mu, is_long),
        0.0,
    );
}
