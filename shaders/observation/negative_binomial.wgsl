// counts that vary more than their mean: y ln(1 + 1 / (a mu)) + ln(1 + a mu) / a

const FACTOR: f32 = 1.0;

// the dispersion a, whose bits are given, and ln a: as numbers that no compiler knows, because not all fold bits
fn dispersion() -> f32 {
    return bitcast<f32>(DISPERSION ^ params.zero);
}

fn log_dispersion() -> f32 {
    return bitcast<f32>(LOG_DISPERSION ^ params.zero);
}

fn loss_at(y: f32, mean: Mean) -> f32 {
    let spikes = select(y * softplus_of(-(log_dispersion() + mean.log_mu)), 0.0, y == 0.0);
    return log1p_of(dispersion() * mean.mu) / dispersion() + spikes;
}

// long steps by the difference, short ones so that no digit is lost
fn loss_change(y: f32, mean: Mean, change: MeanChange) -> f32 {
    let is_far = abs(change.log_mu) > 1.0;
    let start = log_dispersion() + mean.log_mu;
    let end = start + change.log_mu;
    let rest = 1.0 / (1.0 + dispersion() * mean.mu);
    let of_spikes = select(
        log1p_of(rest * expm1_of(-clamp(change.log_mu, -1.0, 1.0))),
        softplus_of(-end) - softplus_of(-start),
        is_far,
    );
    let of_rate = select(
        log1p_of(max(rest * dispersion() * change.mu, -0.9)),
        softplus_of(end) - softplus_of(start),
        is_far,
    );
    return of_rate / dispersion() + select(y * of_spikes, 0.0, y == 0.0);
}

fn residual_of(y: f32, mean: Mean) -> f32 {
    return mean.mu - y;
}

fn magnitude_of(y: f32, mean: Mean) -> f32 {
    return mean.mu + abs(mean.mu - y);
}

fn variance(mean: Mean) -> f32 {
    return mean.mu + dispersion() * mean.mu * mean.mu;
}

// slope / variance, without the square of the mean, which may be no number
fn steepness(mean: Mean) -> f32 {
    return mean.rise / (1.0 + dispersion() * mean.mu);
}

fn residual_along(y: f32, mean: Mean) -> f32 {
    return residual_of(y, mean) * steepness(mean);
}

fn magnitude_along(y: f32, mean: Mean) -> f32 {
    return magnitude_of(y, mean) * abs(steepness(mean));
}

fn curvature_along(mean: Mean) -> f32 {
    return mean.slope * steepness(mean);
}
