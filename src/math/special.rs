//! Special functions.

/// Factors of a rising factorial whose logarithms are added up.
const MOST_FACTORS: f64 = 256.0;

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

/// `ln(Gamma(a + y) / Gamma(a))` for `a > 0`, of counts the sum of the logarithms of `a`, `a + 1` .. `a + y - 1`.
///
/// ```
/// use rheobase::math::special::ln_rising;
/// assert!((ln_rising(2.5, 3.0) - (2.5f64 * 3.5 * 4.5).ln()).abs() < 1e-15);
/// ```
pub fn ln_rising(a: f64, y: f64) -> f64 {
    // the difference of two large logarithms costs digits
    if y.fract() == 0.0 && (0.0..=MOST_FACTORS).contains(&y) {
        return (0..y as u32).map(|k| (a + f64::from(k)).ln()).sum();
    }
    libm::lgamma(a + y) - libm::lgamma(a)
}
