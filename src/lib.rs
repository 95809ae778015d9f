//! rheobase: from a recording to encoding models fitted to a certified optimum.
//!
//! Data flows one way:
//!
//! ```text
//! NWB file -> Recording -> BinGrid (time support x bin width) -> spike counts + feature blocks
//!          -> Design -> GlmObjective on a backend -> solver -> FittedGlm -> scores -> tables, model file, report
//! ```
//!
//! Each arrow is a function that takes the left type and returns the right one; nothing reaches back.
//! The modules stand on floors and import only from lower ones (`tests/architecture.rs` checks it):
//!
//! ```text
//! 11 cli    10 check, figure, report, write   9 glm    8 solver   7 objective   6 features, tuning
//!  5 design                   4 backend    3 read, basis, observation, regularizer, simulate
//!  2 recording, inverse_link              1 time, math                0 error, registry, number, stop
//! ```
//!
//! Conventions: times are `f64` seconds; matrices are (bins, features) and (features, targets); a target
//! is a neuron, one column of the response; `eta` is the linear predictor and `mu` the expected count per bin.
//!
//! What is promised of answers, files, memory and devices, the tests that hold it and where it ends: `docs/promises.md`.
#![forbid(unsafe_code)]

pub mod backend;
pub mod basis;
pub mod check;
pub mod cli;
pub mod design;
pub mod error;
pub mod features;
pub mod figure;
pub mod glm;
pub mod inverse_link;
pub mod math;
pub mod number;
pub mod objective;
pub mod observation;
pub mod read;
pub mod recording;
mod registry;
pub mod regularizer;
pub mod report;
pub mod simulate;
pub mod solver;
pub mod stop;
pub mod time;
pub mod tuning;
pub mod write;

pub use error::{Error, Result};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
