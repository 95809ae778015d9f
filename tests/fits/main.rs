//! From features to fitted and certified models. One program: the generic parts of a fit, which are large, are compiled once
//! for all of these files.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/html.rs"]
mod html;

mod bases_goldens;
mod basis;
mod class_blocks;
mod class_laws;
mod class_plans;
mod class_ratios;
mod class_rows;
mod class_targets;
mod classes;
mod convolution;
mod convolved_designs;
mod coupled;
mod cross_validation;
mod evaluated;
mod families;
mod feature_language;
mod features;
mod fits;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "gpu")]
mod gpu_larger_than_memory;
#[cfg(feature = "gpu")]
mod gpu_matrix_free;
#[cfg(feature = "gpu")]
mod gpu_whitened;
mod hard_designs;
mod history;
mod identifiability;
mod kinks;
mod matrix_free;
mod model_goldens;
mod models;
mod no_intercept;
mod nulls;
mod packages;
mod plans;
mod populations;
mod products;
mod report;
mod ridge;
mod rounds;
mod row_terms;
mod same_bits;
mod shared_rows;
mod single_sums;
mod smooth;
mod sparse_classes;
mod stops;
mod tutorial_fits;
mod warm_starts;
