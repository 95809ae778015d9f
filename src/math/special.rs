//! Special functions.

/// `ln y!`, exact to rounding for counts and continued by the gamma function for other `y >= 0`.
///
/// ```
/// use rheobase::math::special::ln_factorial;
/// assert_eq!(ln_factorial(0.0), 0.0);
/// assert!((ln_factorial(4.0) - 24f64.ln()).abs() < 1e-15);
/// ```
pub fn ln_factorial(y: f64) -> f64 {
    // the counts of a bin are almost always 0 or 1
    if y == 0.0 || y == 1.0 { 0.0 } else { libm::lgamma(y + 1.0) }
}
