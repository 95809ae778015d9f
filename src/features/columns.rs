//! The columns of a feature: written out where they are few, computed from their channels where they are many.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayView1, Axis, Slice};

use crate::design::{Convolution, Evaluation, Values};
use crate::math::numbers::{Numbers, strike_non_finite};
use crate::{Error, Result};

/// Columns of a feature, shape (bins, columns), NaN where unknown.
#[derive(Clone, Debug)]
pub enum Columns {
    /// Values in memory.
    Written(Numbers),
    /// Channels convolved with functions whenever values are wanted.
    Convolved(Convolution),
    /// A basis evaluated at channels whenever values are wanted.
    Evaluated(Evaluation),
}

/// One column, bin by bin.
#[derive(Clone, Debug)]
pub enum ColumnOf<'a> {
    /// Single precision.
    Singles(ArrayView1<'a, f32>),
    /// Double precision.
    Doubles(ArrayView1<'a, f64>),
    /// Computed.
    Computed(Vec<f64>),
}

impl<N: Into<Numbers>> From<N> for Columns {
    fn from(values: N) -> Self {
        Self::Written(values.into())
    }
}

impl Columns {
    /// Bins and columns.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Written(values) => values.dim(),
            Self::Convolved(of) => (of.n_bins(), of.n_columns()),
            Self::Evaluated(of) => (of.n_bins(), of.n_columns()),
        }
    }

    /// Whether the values are in single precision.
    pub fn is_f32(&self) -> bool {
        matches!(self, Self::Written(values) if values.is_f32())
    }

    /// Whether the values are computed when they are wanted, because there are so many.
    pub fn is_computed(&self) -> bool {
        !matches!(self, Self::Written(_))
    }

    /// One value.
    ///
    /// # Panics
    /// If there is no such bin or column.
    pub fn get(&self, bin: usize, column: usize) -> f64 {
        match self {
            Self::Written(values) => values.get(bin, column),
            Self::Convolved(of) => of.all().get(bin, column),
            Self::Evaluated(of) => of.all().get(bin, column),
        }
    }

    /// Whether a value is not finite, in a bin that is no edge.
    ///
    /// # Panics
    /// If there is no such bin or column.
    pub fn is_unknown(&self, bin: usize, column: usize) -> bool {
        match self {
            Self::Written(values) => !values.get(bin, column).is_finite(),
            Self::Convolved(of) => of.unknown(&(column..column + 1)).any(|rows| rows.contains(&bin)),
            Self::Evaluated(of) => of.unknown(&(column..column + 1)).any(|rows| rows.contains(&bin)),
        }
    }

    /// One column.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, column: usize) -> ColumnOf<'_> {
        match self {
            Self::Written(Numbers::F32(x)) => ColumnOf::Singles(x.column(column)),
            Self::Written(Numbers::F64(x)) => ColumnOf::Doubles(x.column(column)),
            Self::Convolved(of) => ColumnOf::Computed(of.all().column(column)),
            Self::Evaluated(of) => ColumnOf::Computed(of.all().column(column)),
        }
    }

    /// Some of the columns, as a design takes them.
    ///
    /// # Errors
    /// [`Error::Argument`] for columns that are not there, or that are a part of those of a channel whose columns are computed.
    pub fn some(&self, columns: &Range<usize>) -> Result<Values<'_>> {
        let (_, n) = self.dim();
        if columns.end > n {
            let expected = format!("columns below {n}");
            let help = "give columns of the feature";
            return Err(Error::argument("columns", expected, format!("{columns:?}"), help));
        }
        let slice = Slice::from(columns.clone());
        Ok(match self {
            Self::Written(Numbers::F32(x)) => x.slice_axis(Axis(1), slice).into(),
            Self::Written(Numbers::F64(x)) => x.slice_axis(Axis(1), slice).into(),
            Self::Convolved(of) => of.columns(columns)?.into(),
            Self::Evaluated(of) => of.columns(columns)?.into(),
        })
    }

    /// Sets `keep[bin]` to false for every bin in which one of these columns is not finite. Bins of convolved columns
    /// whose window leaves its epoch are not looked at: they are edges.
    pub fn strike_unknown(&self, columns: &Range<usize>, keep: &mut [bool]) {
        let slice = Slice::from(columns.clone());
        match self {
            Self::Written(Numbers::F32(x)) => strike_non_finite(x.slice_axis(Axis(1), slice), keep),
            Self::Written(Numbers::F64(x)) => strike_non_finite(x.slice_axis(Axis(1), slice), keep),
            Self::Convolved(of) => of.unknown(columns).for_each(|rows| keep[rows].fill(false)),
            Self::Evaluated(of) => of.unknown(columns).for_each(|rows| keep[rows].fill(false)),
        }
    }
}

impl ColumnOf<'_> {
    /// The values in double precision.
    pub fn values(&self) -> Cow<'_, [f64]> {
        match self {
            Self::Singles(values) => values.iter().map(|&x| f64::from(x)).collect(),
            Self::Doubles(values) => match values.to_slice() {
                Some(values) => Cow::Borrowed(values),
                None => values.to_vec().into(),
            },
            Self::Computed(values) => Cow::Borrowed(values),
        }
    }
}
