//! Hard problems: data without a finite estimate, designs that repeat themselves, numbers of every size.
//!
//! Every answer is compared with one that is computed here, slowly and by other means: Newton's method over plain loops in
//! `f64`, closed forms, a pseudo-inverse by rotations, and, for separation, an enumeration in whole numbers. Every problem goes
//! through all ways to solve it: both solvers, `f64` numbers on the `f64` CPU and on that of `f32`, and, where single precision
//! can hold the data, `f32` numbers.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/place.rs"]
mod place;
#[path = "../common/tally.rs"]
mod tally;

mod command_line;
mod near_separation;
mod rank;
mod reference;
mod responses;
mod scales;
mod separation;
mod small_problems;
mod ways;
