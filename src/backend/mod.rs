//! The kernels: numbers in, numbers out, no neuroscience.

pub mod cpu;
