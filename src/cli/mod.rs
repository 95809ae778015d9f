//! The command line: arguments as typed ([`args`]), checked and carried out one file per command.
//!
//! Results go to stdout, progress, notes and errors to stderr. Errors are two lines, the second says what to do.
//! [`run`] holds the exit codes.

mod applied;
pub mod args;
mod array_columns;
mod arrays;
#[cfg(feature = "gpu")]
mod attempts;
pub mod bench;
mod beside;
mod categorical;
mod certificates;
mod check;
mod comparable;
mod cost_constants;
mod couplings;
mod cursor;
mod cv_args;
mod data;
mod demo;
mod devices;
mod engine;
#[cfg(feature = "gpu")]
mod engine_gpu;
pub mod environment;
mod examples;
mod export;
pub mod feature;
mod feature_arguments;
mod figures;
mod filters;
mod fit;
mod fit_text;
mod goodness;
pub mod inspect;
mod inspect_text;
mod left_out;
mod machine;
mod mask;
mod merge;
mod model_args;
mod model_text;
mod not_determined;
mod outputs;
mod penalty_args;
mod plan_file;
mod plan_text;
mod predict;
mod progress;
pub mod quantity;
mod report;
mod result;
mod row_terms;
pub mod run;
mod score;
mod score_rows;
mod series_samples;
mod shell;
mod shell_help;
mod simulate;
mod smooth_rates;
pub mod study;
mod study_data;
pub mod study_text;
mod suggestion;
mod surfaces;
mod tested;
mod tuning;
mod tuning_curves;
mod tuning_report;
mod tuning_table;
mod undefined;
mod usage;
mod write_back;
