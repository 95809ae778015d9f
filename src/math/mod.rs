//! Small dense algebra, sums and special functions: what the fits need and no more.

pub mod dense;
pub mod special;
pub mod sum;
