//! What is timed: the sizes, and what is left out.
//!
//! A number of a design takes 4 bytes where it comes from, 8 in what results are compared with, and 4 on the GPU. 10,000,000 rows
//! of 200 or 512 columns would take more than 16 GB and are left out. All other numbers of rows and columns are there for one
//! target; of populations some, up to 500 targets, whose evaluation takes seconds on a few cores at most. Over 100 channels there
//! are fewer bins, and no window of 2000 lags. A Gram is timed where it takes no more than about 5e10 operations.

/// Rows and columns of one target.
pub(super) const DENSE: [[usize; 3]; 26] = {
    let mut all = [[0; 3]; 26];
    let (rows, columns) = ([10_000, 100_000, 1_000_000, 10_000_000], [1, 8, 32, 33, 64, 200, 512]);
    let mut k = 0;
    let mut row = 0;
    while row < rows.len() {
        let mut column = 0;
        while column < columns.len() {
            if rows[row] * columns[column] <= MOST_NUMBERS {
                all[k] = [rows[row], columns[column], 1];
                k += 1;
            }
            column += 1;
        }
        row += 1;
    }
    all
};
/// Numbers of a design at most.
const MOST_NUMBERS: usize = 1_000_000_000;
/// Rows, columns and targets of populations.
pub(super) const POPULATIONS: [[usize; 3]; 10] = [
    [100_000, 8, 10],
    [100_000, 64, 10],
    [100_000, 200, 10],
    [1_000_000, 64, 10],
    [100_000, 64, 100],
    [1_000_000, 64, 100],
    [1_000_000, 200, 100],
    [100_000, 64, 500],
    [200_000, 200, 500],
    [100_000, 512, 500],
];
/// Bins, channels, lags.
pub(super) const CONVOLVED: [[usize; 3]; 11] = [
    [1_000_000, 1, 50],
    [1_000_000, 1, 200],
    [1_000_000, 1, 1000],
    [1_000_000, 1, 2000],
    [1_000_000, 10, 50],
    [1_000_000, 10, 200],
    [1_000_000, 10, 1000],
    [1_000_000, 10, 2000],
    [200_000, 100, 50],
    [200_000, 100, 200],
    [200_000, 100, 1000],
];
/// Rows, columns and targets of whole fits.
pub(super) const FITS: [[usize; 3]; 3] = [[100_000, 20, 1], [1_000_000, 64, 1], [200_000, 100, 20]];
/// Rows and columns of what is done in several ways: few enough columns for all ways, and so many that rows in the memory of a
/// group take what there is.
#[cfg(feature = "gpu")]
pub(super) const VARIED: [[usize; 3]; 2] = [[1_000_000, 64, 1], [1_000_000, 200, 1]];
/// Rows and columns where errors are held against what was added.
#[cfg(feature = "gpu")]
pub(super) const ACCURACY: [[usize; 3]; 8] = [
    [10_000, 1, 1],
    [10_000, 8, 1],
    [10_000, 64, 1],
    [10_000, 200, 1],
    [1_000_000, 1, 1],
    [1_000_000, 8, 1],
    [1_000_000, 64, 1],
    [1_000_000, 200, 1],
];

/// The same of a trial.
pub(super) const QUICK_DENSE: [[usize; 3]; 2] = [[20_000, 8, 1], [3_000, 64, 1]];
/// The same.
pub(super) const QUICK_POPULATIONS: [[usize; 3]; 1] = [[2_000, 33, 10]];
/// The same.
pub(super) const QUICK_CONVOLVED: [[usize; 3]; 2] = [[4_000, 2, 50], [4_000, 1, 2000]];
/// The same.
pub(super) const QUICK_FITS: [[usize; 3]; 3] = [[4_000, 8, 1], [3_000, 33, 1], [3_000, 12, 5]];
/// The same.
#[cfg(feature = "gpu")]
pub(super) const QUICK_VARIED: [[usize; 3]; 1] = [[2_000, 200, 1]];
/// The same.
#[cfg(feature = "gpu")]
pub(super) const QUICK_ACCURACY: [[usize; 3]; 2] = [[10_000, 8, 1], [3_000, 64, 1]];

/// Operations of a Gram at most.
pub(super) const MOST_GRAM: f64 = 5e10;
/// Columns at which trial steps are timed, which do not depend on them.
pub(super) const COLUMNS_OF_STEPS: usize = 8;
/// Functions of the window of a channel.
pub(super) const N_FUNCTIONS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_rows_and_columns_is_there_that_fits() {
        assert_eq!((DENSE[0], DENSE[25]), ([10_000, 1, 1], [10_000_000, 64, 1]));
        assert!(DENSE.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
