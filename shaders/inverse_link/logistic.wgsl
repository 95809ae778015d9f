// mu = 1 / (1 + e^-eta)
//
// With s = e^-|eta|, which neither overflows nor cancels: ln mu = min(eta, 0) - ln(1 + s), and ln(1 - mu) is that of -eta.

fn mean_at(eta: f32) -> Mean {
    let small = exp_of(-abs(eta));
    let part = 1.0 / (1.0 + small);
    let log_part = log1p_of(small);
    let low = small * part;
    let is_high = eta > 0.0;
    let mu = select(low, part, is_high);
    let rest = select(part, low, is_high);
    return Mean(mu, low * part, min(eta, 0.0) - log_part, min(-eta, 0.0) - log_part, rest, rest, mu);
}

// long steps by the difference, short ones so that no digit is lost
fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    let there = mean_at(eta + delta);
    let is_long = abs(delta) > 1.0;
    // what is not taken stays in the domain of its functions
    let short = clamp(delta, -1.0, 1.0);
    let rise = expm1_of(short);
    let fall = expm1_of(-short);
    // the slope is mu (1 - mu)
    let rest = mean.slope / mean.mu;
    let from_here = mean.mu * (there.slope / there.mu) * rise;
    let from_there = -(there.mu * rest * fall);
    return MeanChange(
        select(select(from_here, from_there, delta > 0.0), there.mu - mean.mu, is_long),
        select(-log1p_of(rest * fall), there.log_mu - mean.log_mu, is_long),
        select(-log1p_of(mean.mu * rise), there.log_1m_mu - mean.log_1m_mu, is_long),
    );
}
