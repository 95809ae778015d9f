//! Coefficients by feature, channel and function.

use ndarray::{Array3, ArrayView2, Axis, Slice};

use super::FeatureSpec;
use crate::{Error, Result};

/// What the columns of a feature stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureShape {
    /// Its channels.
    pub n_channels: usize,
    /// Functions of each channel; of a product, the products of those of its terms.
    pub n_functions: usize,
}

impl FeatureSpec {
    /// What `n_columns` columns of this feature stand for on bins of `bin_s` seconds.
    ///
    /// # Errors
    /// [`Error::Argument`] for columns of a part of a channel, and those of [`FeatureSpec::n_functions`].
    pub fn shape(&self, n_columns: usize, bin_s: f64) -> Result<FeatureShape> {
        let n_functions = self.n_functions(bin_s)?;
        if n_functions == 0 || !n_columns.is_multiple_of(n_functions) {
            let expected = format!("a multiple of {n_functions}, the columns of a channel");
            let help = "give all columns of the feature";
            return Err(Error::argument(
                format!("columns of `{self}`"),
                expected,
                n_columns.to_string(),
                help,
            ));
        }
        Ok(FeatureShape { n_channels: n_columns / n_functions, n_functions })
    }
}

/// One array per feature, shape (channels, functions, other), from a table of shape (columns, other) in which the
/// features follow each other: coefficients of several targets, or features turned on their side.
///
/// # Errors
/// [`Error::Length`] unless the features have as many columns as the table has rows.
///
/// # Source
/// `split_by_feature` of `NeMoS`.
pub fn split_by_feature(table: ArrayView2<f64>, features: &[FeatureShape]) -> Result<Vec<Array3<f64>>> {
    let n_columns = |feature: &FeatureShape| feature.n_channels * feature.n_functions;
    let expected: usize = features.iter().map(n_columns).sum();
    if expected != table.nrows() {
        let found = table.nrows();
        return Err(Error::Length { what: "columns of all features".into(), expected, found });
    }
    let mut parts = Vec::with_capacity(features.len());
    let mut first = 0;
    for feature in features {
        let end = first + n_columns(feature);
        let own = table.slice_axis(Axis(0), Slice::from(first..end));
        let shape = (feature.n_channels, feature.n_functions, table.ncols());
        let column = |(c, i, k): (usize, usize, usize)| own[[c * feature.n_functions + i, k]];
        parts.push(Array3::from_shape_fn(shape, column));
        first = end;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn every_coefficient_is_found_by_channel_and_function() {
        let table = Array2::from_shape_fn((8, 2), |(row, target)| (10 * row + target) as f64);
        let shape = |n_channels, n_functions| FeatureShape { n_channels, n_functions };
        let parts = split_by_feature(table.view(), &[shape(2, 3), shape(1, 2)]).unwrap();
        assert_eq!((parts[0].dim(), parts[1].dim()), ((2, 3, 2), (1, 2, 2)));
        assert_eq!((parts[0][[1, 2, 1]], parts[1][[0, 1, 0]]), (51.0, 70.0));
        assert!(split_by_feature(table.view(), &[shape(2, 3)]).is_err());
    }
}
