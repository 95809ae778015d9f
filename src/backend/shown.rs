//! Rows as they are.

/// Rows of a tile in `f64`, for what has to be asked of each of them.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'t> {
    /// Number of the first.
    pub first: usize,
    /// Columns of the design, one piece of [`super::cpu::TILE_ROWS`] numbers after the other.
    pub columns: &'t [f64],
    /// Responses of the rows that there are.
    pub y: &'t [f64],
    /// What each of them counts for, 1 if there is nothing.
    pub weights: Option<&'t [f64]>,
}
