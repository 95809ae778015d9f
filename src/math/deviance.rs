//! What deviances are made of, with all its digits where a response is near its mean.

/// Whether a mean is so near that the terms of a deviance would cancel one another.
pub(crate) fn is_near(y: f64, mu: f64) -> bool {
    (mu - y).abs() < 0.5 * y
}

/// `r - ln(1 + r)`, a number about `r²/2`.
pub(crate) fn excess(r: f64) -> f64 {
    if r.abs() > 0.01 {
        return r - r.ln_1p();
    }
    // r²/2 - r³/3 + ..
    let sum = (2..12).rev().fold(0.0, |sum, n| f64::from(n).recip() - r * sum);
    r * r * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_excesses_have_all_their_digits() {
        // by arithmetic of 60 digits
        for (r, expected) in [
            (1e-12, 4.999_999_999_996_666e-25),
            (-1e-5, 5.000_033_333_583_336e-11),
            (0.009_999, 4.965_924_633_196_648e-5),
            (0.25, 0.026_856_448_685_790_244),
            (-0.4, 0.110_825_623_765_990_7),
        ] {
            assert!((excess(r) / expected - 1.0).abs() < 1e-14, "{r}: {}", excess(r));
        }
        assert!(excess(0.0) == 0.0 && is_near(2.0, 1.5) && !is_near(0.0, 0.0) && !is_near(1.0, 1.5));
    }
}
