//! Features of a recording.

pub mod spike_detection;
