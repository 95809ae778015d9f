//! Convolved designs: loss and gradient without a matrix, and the features written out.
//!
//! Signals are samples that are never 0; spike trains have a spike in one of 50 bins. What is computed is counted as the direct sums
//! over lags or events. Where products are formed by Fourier transforms (samples on the CPU, long windows on the GPU) the work is
//! another, and no part of a roof is said of it.

use ndarray::Array2;
use serde_json::json;

use super::contest::{Contest, Need, Processor, Row, Size};
use super::dense::uniform;
use super::evaluation::{Problem, Work};
use super::sizes::N_FUNCTIONS;
use crate::Result;
use crate::backend::TRANSFORMED_LAGS;
use crate::backend::cpu::convolution::lags::Lags;
use crate::design::{Convolution, Course, DesignPlan, Form, Rows, Source};
use crate::objective::Packed;

/// A spike in a bin.
const SPIKES: f64 = 0.02;

/// What channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Samples,
    Events,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Self::Samples { "samples" } else { "events" }
    }
}

/// Channels of so many bins, and their window.
pub(super) fn convolution(kind: Kind, [n, c, w]: [usize; 3]) -> Result<Convolution> {
    let channel = |k: usize| {
        let place = |bin: usize| (k * n + bin) as u64;
        match kind {
            Kind::Samples => Course::Samples((0..n).map(|bin| 2.0 + uniform(place(bin))).collect()),
            Kind::Events => {
                let count = |bin: usize| f64::from(u8::from(uniform(place(bin)) < SPIKES));
                Course::of_counts(&(0..n).map(count).collect::<Vec<f64>>())
            }
        }
    };
    // bumps side by side
    let width = w as f64 / N_FUNCTIONS as f64;
    let tap = |(lag, i): (usize, usize)| (-((lag as f64 + 0.5) / width - i as f64).powi(2)).exp();
    let functions = Array2::from_shape_fn((w, N_FUNCTIONS), tap);
    let lags = Lags { window_bins: w, shift: -1 };
    Convolution::new((0..c).map(channel).collect(), n, functions, lags, std::slice::from_ref(&(0..n)))
}

/// A plan of all columns in a form, wherever it is placed.
pub(super) fn plan(of: &Convolution, form: Form) -> Result<DesignPlan<'_>> {
    let labels = (0..of.n_columns()).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels, x: of.all().into() };
    let rows = Rows::from_ranges(of.complete().iter().cloned());
    Ok(DesignPlan::new(vec![source], rows)?.with_forms("cpu", vec![form]).with_forms("gpu", vec![form]))
}

/// Times one size: without a matrix, and writing it out.
pub(super) fn timed(contest: &Contest, kind: Kind, own: [usize; 3]) -> Result<Vec<Row>> {
    let [n, c, w] = own;
    let of = convolution(kind, own)?;
    let count = |(bin, _): (usize, usize)| u8::from(uniform((1 << 62) + bin as u64) < 0.1);
    let counts = Array2::from_shape_fn((n, 1), count);
    let mut fields = serde_json::Map::new();
    for (name, value) in [("bins", n), ("channels", c), ("lags", w), ("functions", N_FUNCTIONS)] {
        fields.insert(name.into(), json!(value));
    }
    fields.insert("kind".into(), kind.name().into());
    let text = format!("{n} bins, {c} of {}, {w} lags", kind.name());
    let size = Size { fields, text };
    let mut rows = Vec::new();
    for (form, work) in [(Form::MatrixFree, Work::Gradient), (Form::Written, Work::Build)] {
        let plan = plan(&of, form)?;
        let y = Packed::new(counts.view(), plan.rows());
        let problem = Problem::new(&plan, &y, vec![work]);
        rows.extend(contest.rows(&problem, &size, &|work, on| need(work, on, kind, own))?);
    }
    Ok(rows)
}

fn need(work: Work, on: Processor, kind: Kind, [n, c, w]: [usize; 3]) -> Option<Need> {
    let (bins, channels, lags, functions) = (n as f64, c as f64, w as f64, N_FUNCTIONS as f64);
    let is_free = work == Work::Gradient;
    let (n_bytes, flop) = match kind {
        Kind::Samples => {
            let is_transformed = on == Processor::Cpu || (is_free && w >= TRANSFORMED_LAGS);
            if is_transformed {
                return None;
            }
            if is_free {
                (bins * (12.0 * channels + 8.0), 4.0 * bins * lags * channels)
            } else {
                (4.0 * bins * channels * (1.0 + functions), 2.0 * bins * lags * channels * functions)
            }
        }
        Kind::Events => {
            let events = SPIKES * bins * channels;
            if is_free {
                (16.0 * events + 8.0 * bins, 4.0 * events * lags)
            } else {
                (8.0 * events + 4.0 * bins * channels * functions, 2.0 * events * lags * functions)
            }
        }
    };
    Some(Need { n_bytes, flop })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_those_of_direct_sums() {
        let free = need(Work::Gradient, Processor::Gpu, Kind::Samples, [1000, 10, 200]).unwrap();
        assert_eq!((free.n_bytes, free.flop), (128_000.0, 8e6));
        assert!(need(Work::Gradient, Processor::Gpu, Kind::Samples, [1000, 1, 2000]).is_none());
        assert!(need(Work::Gradient, Processor::Cpu, Kind::Samples, [1000, 1, 50]).is_none());
        let events = need(Work::Gradient, Processor::Cpu, Kind::Events, [1000, 1, 2000]).unwrap();
        assert_eq!(events.flop, 4.0 * 20.0 * 2000.0);
        let built = need(Work::Build, Processor::Gpu, Kind::Samples, [1000, 1, 2000]).unwrap();
        assert_eq!((built.n_bytes, built.flop), (36_000.0, 3.2e7));
    }
}
