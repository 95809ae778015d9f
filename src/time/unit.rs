//! Units in which times are typed; inside the library everything is seconds.

/// A unit of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds: taken as they are.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
}

impl TimeUnit {
    /// `x` of this unit in seconds: unchanged from seconds, else `round9(x / 1e3)` or `round9(x / 1e6)`.
    ///
    /// ```
    /// use rheobase::time::TimeUnit;
    /// assert_eq!(TimeUnit::Milliseconds.seconds(0.12345678949), 0.000_123_457);
    /// ```
    pub fn seconds(self, x: f64) -> f64 {
        match self {
            Self::Seconds => x,
            Self::Milliseconds => round9(x / 1e3),
            Self::Microseconds => round9(x / 1e6),
        }
    }
}

/// `x` rounded to nine decimals, ties to even: `rint(x * 1e9) / 1e9`.
pub(super) fn round9(x: f64) -> f64 {
    (x * 1e9).round_ties_even() / 1e9
}
