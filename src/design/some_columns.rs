//! A design of some of the columns of another.

use std::ops::Range;

use ndarray::{Axis, Slice};

use super::plan::Source;
use super::{DesignPlan, Evaluated, Values, whole_channels};
use crate::{Error, Result};

impl DesignPlan<'_> {
    /// The same rows of some of the columns, `keep` saying of each whether it stays; weights, offset, limit and speeds as here, forms
    /// are not kept.
    ///
    /// # Errors
    /// [`Error::Length`] if `keep` has not one entry per column, [`Error::Argument`] for a part of the columns of a channel that are
    /// computed when they are wanted.
    pub fn with_columns(&self, keep: &[bool]) -> Result<Self> {
        if keep.len() != self.n_columns() {
            let what = "columns that are kept or not".into();
            return Err(Error::Length { what, expected: self.n_columns(), found: keep.len() });
        }
        let (mut features, mut first) = (Vec::new(), 0);
        for (number, source) in self.sources.iter().enumerate() {
            let name = self.name_of(number);
            for run in runs(&keep[first..first + source.ncols()]) {
                let labels = self.layout().labels[first + run.start..first + run.end].to_vec();
                features.push(Source { name: name.into(), labels, x: source.some(&run)? });
            }
            first += source.ncols();
        }
        let mut plan = Self::new(features, self.rows.clone())?.with_limit(self.limit_bytes);
        plan.speeds = self.speeds;
        plan.weights.clone_from(&self.weights);
        plan.offset.clone_from(&self.offset);
        Ok(if self.has_intercept { plan } else { plan.without_intercept() })
    }
}

/// The runs of neighbours that stay.
fn runs(keep: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for k in (0..keep.len()).filter(|&k| keep[k]) {
        match runs.last_mut() {
            Some(last) if last.end == k => last.end += 1,
            _ => runs.push(k..k + 1),
        }
    }
    runs
}

impl Values<'_> {
    /// Some neighbouring columns.
    ///
    /// # Errors
    /// [`Error::Argument`] for a part of the columns of a channel that are computed when they are wanted.
    fn some(&self, columns: &Range<usize>) -> Result<Self> {
        let slice = Slice::from(columns.clone());
        let mut some = *self;
        match &mut some {
            Self::F32(x) => x.slice_axis_inplace(Axis(1), slice),
            Self::F64(x) => x.slice_axis_inplace(Axis(1), slice),
            Self::Convolved(x) => {
                let n = x.functions().ncols();
                *x = x.some(whole_channels(columns, n, x.channels().len())?);
            }
            Self::Evaluated(x) => *x = x.some(whole_channels(columns, x.n_functions(), x.n_channels())?),
        }
        Ok(some)
    }
}

impl Evaluated<'_> {
    fn n_channels(&self) -> usize {
        self.n_columns() / self.n_functions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn columns_that_stay_keep_names_values_and_rows() {
        let x = Array2::from_shape_fn((6, 5), |(row, j)| (row * row * (j + 1)) as f64);
        let labels = |prefix: &str, n: usize| (0..n).map(|k| format!("{prefix}{k}")).collect();
        let (a, b) = x.view().split_at(Axis(1), 3);
        let sources = vec![
            Source { name: "a".into(), labels: labels("a", 3), x: a.into() },
            Source { name: "b".into(), labels: labels("b", 2), x: b.into() },
        ];
        let plan = DesignPlan::new(sources, vec![0, 2, 5]).unwrap().with_limit(Some(1 << 20));
        let some = plan.with_columns(&[true, false, true, false, true]).unwrap();
        assert_eq!(some.layout().labels, ["a0", "a2", "b1"]);
        let features: Vec<_> =
            some.layout().features.iter().map(|own| (&own.name[..], own.columns)).collect();
        assert_eq!(features, [("a", [0, 2]), ("b", [2, 3])]);
        for (column, of_all) in [0, 2, 4].into_iter().enumerate() {
            assert_eq!(some.standardised(column), plan.standardised(of_all));
        }
        assert_eq!((some.n_rows(), some.limit_bytes), (3, Some(1 << 20)));
        assert!(plan.with_columns(&[true; 4]).is_err());
        // what rows have beside their columns stays
        let weighted = plan.with_weights(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap().without_intercept();
        let some = weighted.with_columns(&[false, true, true, false, false]).unwrap();
        assert_eq!((some.total_weight(), some.has_intercept(), some.scaling().mean[0]), (10.0, false, 0.0));
        assert_eq!(some.standardised(0), weighted.standardised(1));
    }
}
