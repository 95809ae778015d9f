// mu = Phi(eta)
//
// With x = |eta| and the Mills ratio R, the probability above x over the density there: the smaller of mu and 1 - mu is
// phi(x) R(x), its relative slope 1 / R(x). (x + 3) R(x) is a polynomial in t = (x - 3) / (x + 5.125).

const LN_ROOT_TAU: f32 = 0.9189385332;
const DENSITY_AT_0: f32 = 0.3989422804;
const N_MILLS: u32 = 14u;

fn mills_term(k: u32) -> f32 {
    var terms = array<f32, N_MILLS>(
        1.8275418282, -1.7288726568, 1.6696017981, -1.2599639893,
        0.6990597844, -0.2319783866, -0.01222884748, 0.06434500962,
        -0.03307423368, 0.002516214037, 0.004700187128, -0.001449998352,
        -0.0003927042999, 0.0001960930676
    );
    return terms[k];
}

fn mills_variable(x: f32) -> f32 {
    return (x - 3.0) / (x + 5.125);
}

fn mills(x: f32) -> f32 {
    let t = mills_variable(x);
    var value = mills_term(N_MILLS - 1u);
    for (var k = N_MILLS - 1u; k > 0u; k--) {
        value = value * t + mills_term(k - 1u);
    }
    return value / (x + 3.0);
}

// of the logarithm of the probability above, from x >= 0 to x + delta, |delta| <= 1
fn ln_tail_change(x: f32, delta: f32) -> f32 {
    let there = x + delta;
    let start = mills_variable(x);
    let end = mills_variable(there);
    var value = mills_term(N_MILLS - 1u);
    // divided difference between start and end
    var slope = 0.0;
    for (var k = N_MILLS - 1u; k > 0u; k--) {
        slope = slope * end + value;
        value = value * start + mills_term(k - 1u);
    }
    let change = slope * 8.125 * delta / ((x + 5.125) * (there + 5.125));
    let ratio = (change / value * (x + 3.0) - delta) / (there + 3.0);
    return log1p_of(ratio) - delta * (x + 0.5 * delta);
}

fn mean_at(eta: f32) -> Mean {
    let x = abs(eta);
    let ratio = mills(x);
    let half_square = 0.5 * x * x;
    let slope = DENSITY_AT_0 * exp_of(-half_square);
    let tail = slope * ratio;
    let whole = 1.0 - tail;
    let log_tail = ln_of(ratio) - LN_ROOT_TAU - half_square;
    let log_whole = log1p_of(-tail);
    let steep = 1.0 / ratio;
    let flat = slope / whole;
    let is_high = eta > 0.0;
    return Mean(
        select(tail, whole, is_high),
        slope,
        select(log_tail, log_whole, is_high),
        select(log_whole, log_tail, is_high),
        select(whole, tail, is_high),
        select(steep, flat, is_high),
        select(flat, steep, is_high),
    );
}

// long steps by the difference, short ones so that no digit is lost
fn mean_change(eta: f32, mean: Mean, delta: f32) -> MeanChange {
    let there = mean_at(eta + delta);
    let is_high = eta > 0.0;
    let is_long = abs(delta) > 1.0;
    // what is not taken stays in the domain of its functions
    let short = clamp(delta, -1.0, 1.0);
    let log_tail = ln_tail_change(abs(eta), select(-short, short, is_high));
    let of_tail = select(mean.mu, mean.rest, is_high) * expm1_of(log_tail);
    let log_whole = log1p_of(-(of_tail / select(mean.rest, mean.mu, is_high)));
    let by_rest = is_high && there.mu > there.rest;
    let far = select(there.mu - mean.mu, mean.rest - there.rest, by_rest);
    return MeanChange(
        select(select(of_tail, -of_tail, is_high), far, is_long),
        select(select(log_tail, log_whole, is_high), there.log_mu - mean.log_mu, is_long),
        select(select(log_whole, log_tail, is_high), there.log_1m_mu - mean.log_1m_mu, is_long),
    );
}
