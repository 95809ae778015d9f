//! Numbers, small dense algebra, sums and special functions: what the fits need and no more.

pub mod contrasts;
pub mod dense;
pub(crate) mod deviance;
pub mod elementary;
pub mod numbers;
pub mod radius;
pub mod real;
pub mod special;
pub mod sum;
pub mod whitening;
