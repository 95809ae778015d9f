// The model: an inverse link and an observation model, one snippet each, follow this text.
//
// Residual and curvature (Fisher) are those of the observation model times slope / variance, which is 1 where CANONICAL is 1;
// elsewhere the observation model says what the product is.

struct Mean {
    mu: f32,
    // d mu / d eta
    slope: f32,
    log_mu: f32,
    log_1m_mu: f32,
    // 1 - mu, of probabilities
    rest: f32,
    // d ln mu / d eta, and -d ln(1 - mu) / d eta of probabilities
    rise: f32,
    fall: f32,
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
        return residual_of(y, mean);
    }
    return residual_along(y, mean);
}

// sum of the magnitudes of the residual's terms
fn magnitude_at(y: f32, mean: Mean) -> f32 {
    if (CANONICAL == 1u) {
        return magnitude_of(y, mean);
    }
    return magnitude_along(y, mean);
}

// expectation of d2 loss / d eta2
fn curvature_at(mean: Mean) -> f32 {
    if (CANONICAL == 1u) {
        return FACTOR * variance(mean);
    }
    return FACTOR * curvature_along(mean);
}
