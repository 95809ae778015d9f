//! Convolution of samples with long filters, and its adjoint, by Fourier transforms of blocks of 2048 positions.
//!
//! Filters are cut into pieces of 1024 lags, whose spectra come from the host in double precision, as all angles do.

use std::f64::consts::PI;

use realfft::RealFftPlanner;

use super::signals::{Chunk, Signals};
use super::{Correlation, Start, TURN};
use crate::backend::TRANSFORMED_LAGS;
use crate::backend::gpu::batch::{Bound, Dispatch, Params};
use crate::backend::gpu::device::Device;
use crate::backend::gpu::shader::{Access, Constants, Kernel, Shared};
use crate::{Error, Result};

const SHARED: &[Shared] = &[Shared::Rows, Shared::Positions, Shared::Transform];

pub(in crate::backend::gpu) const CONVOLVE_FFT: Kernel = Kernel {
    name: "convolve_fft",
    text: include_str!("../../../../shaders/kernel/convolve_fft.wgsl"),
    shared: SHARED,
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
};

pub(in crate::backend::gpu) const CORRELATE_FFT: Kernel = Kernel {
    name: "correlate_fft",
    text: include_str!("../../../../shaders/kernel/correlate_fft.wgsl"),
    shared: SHARED,
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
};

/// Numbers of a block.
const BLOCK: usize = 2048;
/// Lags of a piece.
const PIECE: usize = BLOCK / 2;
/// Operations of a transform, about.
const FLOP: f64 = 1e5;

/// Whether windows of so many taps are transformed.
pub(super) fn is_long(n_taps: usize) -> bool {
    n_taps >= TRANSFORMED_LAGS
}

/// Pieces of a window.
pub(super) fn n_pieces(n_taps: usize) -> usize {
    n_taps.div_ceil(PIECE)
}

/// `exp(-2 pi i m / 2048)`, computed in double precision.
pub(super) fn twiddles() -> Vec<[f32; 2]> {
    let turn = |m: usize| -2.0 * PI * m as f64 / BLOCK as f64;
    (0..BLOCK).map(|m| [turn(m).cos() as f32, turn(m).sin() as f32]).collect()
}

/// Packed spectra of all pieces of filters of `n_taps` taps each: the first number of a spectrum holds the first and the last
/// frequency.
pub(super) fn spectra(device: &Device, taps: &[f64], n_taps: usize) -> Result<Vec<[f32; 2]>> {
    let forward = RealFftPlanner::<f64>::new().plan_fft_forward(BLOCK);
    let (mut block, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let mut packed = Vec::with_capacity(taps.len().div_ceil(PIECE) * PIECE);
    for piece in taps.chunks(n_taps).flat_map(|filter| filter.chunks(PIECE)) {
        block.fill(0.0);
        block[..piece.len()].copy_from_slice(piece);
        forward.process(&mut block, &mut spectrum).map_err(|error| {
            let (device, problem) = (device.facts.title(), error.to_string());
            Error::Device { device, problem }
        })?;
        packed.push([spectrum[0].re as f32, spectrum[PIECE].re as f32]);
        packed.extend(spectrum[1..PIECE].iter().map(|x| [x.re as f32, x.im as f32]));
    }
    Ok(packed)
}

/// Sizes that the convolution is compiled for.
pub(in crate::backend::gpu) fn constants(n_taps: usize, n_channels: usize) -> Constants {
    [("W", n_taps), ("CHANNELS", n_channels), ("PIECES", n_pieces(n_taps))]
        .map(|(name, value)| (name, value as u32))
        .to_vec()
}

/// Adds channels convolved with filters, given by their spectra, to the rows of a run.
pub(super) fn convolve_fft(
    device: &Device,
    x: &Signals,
    (chunk, samples, twiddles): (&Chunk, &Bound, &Bound),
    spectra: &Bound,
    (start, eta): (Start, &Bound),
    mut params: Params,
) -> Result<Dispatch> {
    let mut constants = constants(x.n_taps(), x.n_channels());
    start.set(&mut constants, &mut params);
    params.turns = chunk.turns(&params, TURN);
    let bound = [samples, spectra, twiddles, &chunk.place, &chunk.row_at, eta];
    let n_tiles = f64::from(params.end_position - params.first_position) / PIECE as f64 + 1.0;
    Ok(Dispatch {
        pipeline: device.pipeline(&CONVOLVE_FFT, constants, None)?,
        params,
        bound: bound.map(Bound::clone).to_vec(),
        groups: [params.n.div_ceil(params.group_rows), 1, 1],
        flop: FLOP * n_tiles * (1 + x.n_channels() * n_pieces(x.n_taps())) as f64,
    })
}

/// Sums over the rows of a run, one per channel and lag.
pub(super) fn correlate_fft(
    device: &Device,
    x: &Signals,
    (chunk, samples, twiddles): (&Chunk, &Bound, &Bound),
    what: &Correlation,
    constants: Constants,
    params: Params,
) -> Result<Dispatch> {
    let bound = [samples, twiddles, &chunk.place, &chunk.row_at, what.residual, what.sums];
    let (n_channels, n_pieces) = (x.n_channels(), n_pieces(x.n_taps()));
    let n_tiles = f64::from(params.end_position - params.first_position) / PIECE as f64 + 1.0;
    Ok(Dispatch {
        pipeline: device.pipeline(&CORRELATE_FFT, constants, None)?,
        params,
        bound: bound.map(Bound::clone).to_vec(),
        groups: [params.n.div_ceil(params.group_rows), n_channels as u32, n_pieces as u32],
        flop: 2.0 * FLOP * n_tiles * (n_channels * n_pieces) as f64,
    })
}
