// The model: an inverse link and an observation model, one snippet each, follow this text.

struct Mean {
    mu: f32,
    // d mu / d eta
    slope: f32,
    log_mu: f32,
    log_1m_mu: f32,
}

// of the mean when the linear predictor changes
struct MeanChange {
    mu: f32,
    log_mu: f32,
    log_1m_mu: f32,
}

// d loss / d eta
fn residual_at(y: f32, mean: Mean) -> f32 {
    if (CANONICAL == 1u) {
        return f32(LOSS_SCALE) * (mean.mu - y);
    }
    return f32(LOSS_SCALE) * (mean.mu - y) * (mean.slope / variance(mean.mu));
}

// d2 loss / d eta2 (Fisher)
fn curvature_at(mean: Mean) -> f32 {
    if (CANONICAL == 1u) {
        return f32(LOSS_SCALE) * variance(mean.mu);
    }
    return f32(LOSS_SCALE) * mean.slope * (mean.slope / variance(mean.mu));
}

// sum of the magnitudes of the residual's terms
fn magnitude_at(y: f32, mean: Mean) -> f32 {
    let terms = abs(mean.mu) + abs(mean.mu - y);
    if (CANONICAL == 1u) {
        return f32(LOSS_SCALE) * terms;
    }
    return f32(LOSS_SCALE) * terms * (mean.slope / variance(mean.mu));
}
