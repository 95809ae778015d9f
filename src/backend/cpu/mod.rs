//! The kernels on the CPU.

pub mod convolve;
pub mod convolve_fft;
