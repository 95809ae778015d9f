//! What a time series is, without its samples; and a piece of its samples.

use ndarray::Array2;

use crate::error::{Error, Result};

/// How the sample times of a series are given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timing {
    /// Sample i lies at `start_s + i / rate_hz`.
    Rate {
        /// Time of sample 0, seconds.
        start_s: f64,
        /// Samples per second.
        rate_hz: f64,
    },
    /// One time per sample is stored.
    Stamps,
}

/// A time series described: value = stored · `conversion` (· channel conversion) + `offset`, in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesFacts {
    /// Key of the series.
    pub key: String,
    /// Unit of the converted values.
    pub unit: String,
    /// Number of samples.
    pub n_samples: usize,
    /// Names of the columns: axes, electrode or ROI identifiers, else 0 .. n-1.
    pub column_names: Vec<String>,
    /// Factor from stored numbers to the unit.
    pub conversion: f64,
    /// Added after the factor, in the unit.
    pub offset: f64,
    /// A further factor per column.
    pub channel_conversion: Option<Vec<f64>>,
    /// Type of the stored numbers.
    pub stored_type: String,
    /// How times are given.
    pub timing: Timing,
}

/// Consecutive samples of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Times, seconds, ascending.
    pub t: Vec<f64>,
    /// Values in the unit of the series, (samples, columns).
    pub values: Array2<f64>,
}

impl SeriesFacts {
    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.column_names.len()
    }

    /// Position of a column given by name or, where the names are not numbers themselves, by position.
    ///
    /// Where columns carry identifiers (electrodes 4, 7, 9), `lfp[7]` is electrode 7, never the eighth column.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a column that is not there, with those that are.
    pub fn column(&self, name: &str) -> Result<usize> {
        let name = name.trim();
        if let Some(column) = self.column_names.iter().position(|present| present == name) {
            return Ok(column);
        }
        let has_identifiers = self.column_names.iter().all(|present| present.parse::<i64>().is_ok());
        match name.parse::<usize>() {
            Ok(column) if !has_identifiers && column < self.n_columns() => Ok(column),
            _ => Err(Error::Unknown {
                kind: "column",
                name: name.to_string(),
                place: format!("series {}", self.key),
                present: self.column_names.clone(),
            }),
        }
    }
}

/// `name[column]` cut in two; without brackets at the end there is no column.
pub fn split_signal(signal: &str) -> (&str, Option<&str>) {
    let signal = signal.trim();
    match signal.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((name, column)) if !name.is_empty() => (name, Some(column)),
        _ => (signal, None),
    }
}

/// Median of the differences of successive times, seconds; none for fewer than two times.
///
/// Of an even number of differences the lower middle one is taken, so the answer is one that occurs.
pub fn median_spacing(t: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = t.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if steps.is_empty() {
        return None;
    }
    let middle = (steps.len() - 1) / 2;
    Some(*steps.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(names: &[&str]) -> SeriesFacts {
        SeriesFacts {
            key: "s".into(),
            unit: "volts".into(),
            n_samples: 0,
            column_names: names.iter().map(ToString::to_string).collect(),
            conversion: 1.0,
            offset: 0.0,
            channel_conversion: None,
            stored_type: "float64".into(),
            timing: Timing::Stamps,
        }
    }

    #[test]
    fn columns_by_name_or_position() {
        assert_eq!(facts(&["x", "y"]).column("y").unwrap(), 1);
        assert_eq!(facts(&["x", "y"]).column("0").unwrap(), 0);
        assert!(facts(&["x", "y"]).column("2").is_err());
        assert_eq!(facts(&["4", "7"]).column("7").unwrap(), 1);
        assert!(facts(&["4", "7"]).column("0").is_err());
    }

    #[test]
    fn signals_are_split_at_the_last_bracket() {
        assert_eq!(split_signal("lfp[3]"), ("lfp", Some("3")));
        assert_eq!(split_signal("a[b][x]"), ("a[b]", Some("x")));
        assert_eq!(split_signal("stimulus"), ("stimulus", None));
        assert_eq!(split_signal("[x]"), ("[x]", None));
    }

    #[test]
    fn spacing_is_robust_against_a_gap() {
        assert_eq!(median_spacing(&[0.0, 1.0, 2.0, 9.0, 10.0]), Some(1.0));
        assert_eq!(median_spacing(&[3.0]), None);
    }
}
