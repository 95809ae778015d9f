//! The times of repeated runs as a few numbers.
//!
//! Medians and quartiles, not means: on a machine that others share a few runs take much longer, and they say nothing
//! about the program.

use serde_json::{Value, json};

/// Order statistics of the times of a run, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    pub(super) n: usize,
    /// The first one: with threads to start and memory to ask for.
    pub(super) first: f64,
    pub(super) least: f64,
    pub(super) lower_quartile: f64,
    pub(super) median: f64,
    pub(super) upper_quartile: f64,
    /// Below which a tenth of the times lies, and nine tenths.
    pub(super) tenth: f64,
    pub(super) ninetieth: f64,
}

impl Times {
    /// Of at least one time; quantiles are linear between order statistics. NaN of none.
    pub(super) fn of(seconds: &[f64]) -> Self {
        let mut sorted = seconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| quantile(&sorted, part);
        Self {
            n: seconds.len(),
            first: seconds.first().copied().unwrap_or(f64::NAN),
            least: at(0.0),
            lower_quartile: at(0.25),
            median: at(0.5),
            upper_quartile: at(0.75),
            tenth: at(0.1),
            ninetieth: at(0.9),
        }
    }

    /// As an object.
    pub(super) fn json(&self) -> Value {
        json!({
            "n": self.n,
            "first": self.first,
            "least": self.least,
            "lower_quartile": self.lower_quartile,
            "median": self.median,
            "upper_quartile": self.upper_quartile,
            "tenth_percentile": self.tenth,
            "ninetieth_percentile": self.ninetieth,
        })
    }
}

/// The value below which this part of the sorted values lies.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = part * last as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    sorted[below] + (position - position.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_order_statistics() {
        let times = Times::of(&[5.0, 1.0, 2.0, 4.0]);
        assert_eq!((times.n, times.first, times.least), (4, 5.0, 1.0));
        assert_eq!((times.lower_quartile, times.median, times.upper_quartile), (1.75, 3.0, 4.25));
        assert!((times.tenth - 1.3).abs() < 1e-12 && (times.ninetieth - 4.7).abs() < 1e-12);
        let one = Times::of(&[2.0]);
        assert_eq!((one.lower_quartile, one.median, one.upper_quartile), (2.0, 2.0, 2.0));
        assert!(Times::of(&[]).median.is_nan());
    }
}
