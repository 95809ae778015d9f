//! Rows of convolved columns, centred and scaled, from channels and functions.

use super::signals::{Channels, Signals};
use super::{GROUPS_OF_X, groups};
use crate::Result;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::gpu::array::Array;
use crate::backend::gpu::batch::{Bound, Dispatch, Params};
use crate::backend::gpu::device::Device;
use crate::backend::gpu::shader::{Access, Constants, Kernel, Shared};
use crate::backend::gpu::spans::{Span, spans};
use crate::backend::{Every, HostColumns};

pub(in crate::backend::gpu) const BUILD_FEATURES: Kernel = Kernel {
    name: "build_features",
    text: include_str!("../../../../shaders/kernel/build_features.wgsl"),
    shared: &[Shared::Rows, Shared::Positions, Shared::Samples, Shared::Taps],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
    ],
};

/// Positions of a work group.
const POSITIONS: usize = 1024;
/// What stands for the place of a column that is left out.
const NO_COLUMN: u32 = u32::MAX;

/// Columns that are built whenever they are needed.
#[derive(Clone, Debug)]
pub(in crate::backend::gpu) struct Features {
    pub(in crate::backend::gpu) x: Signals,
    functions: Bound,
    n_functions: usize,
    columns: Bound,
    n_columns: usize,
}

impl Features {
    /// Brings functions and means of columns to the device.
    pub(in crate::backend::gpu) fn new(device: &Device, x: &Signals, host: &HostColumns) -> Result<Self> {
        let (n_taps, n_functions) = host.functions.dim();
        let n_all = x.n_channels() * n_functions;
        let (mut functions, mut columns) = (vec![0.0_f32; n_all * n_taps], vec![[NO_COLUMN, 0]; n_all]);
        // the tap of every column at one lag, and in the end their means, scaled and in terms of those that stand for them
        let mut all = vec![0.0; host.columns.len()];
        let in_terms = |all: &mut [f64]| {
            all.iter_mut().zip(host.inverse_sd).for_each(|(tap, factor)| *tap *= factor);
            host.whitening.iter().for_each(|whitening| whitening.inverse(all));
        };
        for lag in 0..n_taps {
            let taps = host.columns.iter().map(|column| host.functions[(lag, column % n_functions)]);
            all.iter_mut().zip(taps).for_each(|(to, tap)| *to = tap);
            in_terms(&mut all);
            for (&column, &tap) in host.columns.iter().zip(&all) {
                functions[column * n_taps + lag] = tap as f32;
            }
        }
        all.copy_from_slice(host.mean);
        in_terms(&mut all);
        for (k, (&column, &mean)) in host.columns.iter().zip(&all).enumerate() {
            columns[column] = [k as u32, (mean as f32).to_bits()];
        }
        let functions = device.kept(&functions)?;
        let (x, n_columns, columns) = (x.clone(), host.columns.len(), device.kept(&columns)?);
        Ok(Self { x, functions, n_functions, columns, n_columns })
    }

    pub(in crate::backend::gpu) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Operations for a row, about.
    pub(in crate::backend::gpu) fn flop(&self) -> f64 {
        2.0 * (self.x.n_channels() * self.x.n_taps() * self.n_functions) as f64
    }
}

/// Sizes that it is compiled for.
pub(in crate::backend::gpu) fn constants(
    n_taps: usize,
    n_functions: usize,
    stride: usize,
    events: bool,
) -> Constants {
    let sizes = [("W", n_taps), ("FUNCTIONS", n_functions), ("STRIDE", stride), ("EVENTS", events.into())];
    let mut constants = sizes.map(|(name, value)| (name, value as u32)).to_vec();
    constants.push(("GROUPS_OF_X", GROUPS_OF_X as u32));
    constants
}

/// Builds the rows that a run takes into `design` (words of a row: `stride`), from column `params.first_column` on.
pub(in crate::backend::gpu) fn build_features(
    device: &Device,
    what: &Features,
    span: &Span,
    (design, stride): (&Bound, usize),
    idle: &Bound,
    params: Params,
) -> Result<Dispatch> {
    let (chunk, params) = what.x.chunk(span, params)?;
    let [samples, events, before] = match &chunk.channels {
        Channels::Samples(samples) => [samples, idle, idle],
        Channels::Events { single, single_before, .. } => [idle, single, single_before],
    };
    let events_too = matches!(chunk.channels, Channels::Events { .. });
    let constants = constants(what.x.n_taps(), what.n_functions, stride, events_too);
    let bound = [samples, events, before, &what.functions, &what.columns, &chunk.row_at, design];
    let [x_groups, y_groups] = groups(&params, POSITIONS);
    let flop = f64::from(params.end_position - params.first_position) * what.flop();
    Ok(Dispatch {
        pipeline: device.pipeline(&BUILD_FEATURES, constants, None)?,
        params,
        bound: bound.map(Bound::clone).to_vec(),
        groups: [x_groups, y_groups, what.x.n_channels() as u32],
        flop,
    })
}

impl Device {
    /// Builds columns in a matrix, from column `first` on.
    pub(in crate::backend::gpu) fn write_features(
        &self,
        x: &Array<'_>,
        n_rows: usize,
        first: usize,
        what: &Features,
    ) -> Result<()> {
        let idle = Bound::from(&self.scratch(size_of::<f32>() as u64)?);
        let by_work = (self.submission_flop / what.flop().max(1.0)) as usize;
        let rows = 1 << by_work.max(TILE_ROWS).ilog2();
        let rows = x.rows_of_buffer().min(what.x.rows_of_chunk()).min(rows);
        let mut dispatches = Vec::new();
        for span in spans(0..n_rows, rows, Every::ROW) {
            let params =
                Params { n: span.n as u32, every: 1, first_column: first as u32, ..Params::default() };
            let design = x.window(&span.rows)?;
            dispatches.push(build_features(self, what, &span, (&design, x.stride()), &idle, params)?);
        }
        self.run(&dispatches, &[]).map(drop)
    }
}
