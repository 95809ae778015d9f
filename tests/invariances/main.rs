//! What must not change an answer, on problems drawn at random: every observation model with every link, penalties, weights,
//! offsets, with and without an intercept, also with more columns than rows.
//!
//! Draws are the same in every run: the seed is fixed and nothing is kept between runs. A problem that breaks an invariance is
//! shrunk and printed; once its cause is mended it stays as a test of its own in `shrunk.rs`.

#[path = "../common/tally.rs"]
mod tally;

mod case;
mod compare;
#[cfg(feature = "gpu")]
mod devices;
mod plans;
mod rows;
mod shrunk;
mod units;
