//! Workloads c-fit, f and g: fits to the past of spike trains, without writing features out.
//!
//! What is given are the events of the trains and the counts of the targets as bytes; the design would be 4 bytes a value.

use std::path::Path;
use std::time::Instant;

use ndarray::{Array2, ArrayView1};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::super::arrays_file::write_arrays;
use super::super::problem::{checked, proof};
use super::population::{N_FUNCTIONS, WINDOW, grid, spikes};
use super::{Prepared, ROWS_OF_A_STREAM, count, stream};
use crate::Result;
use crate::backend::cpu::simd::Level;
use crate::backend::{Backend, Cpu};
use crate::basis::{Expand, RaisedCosineLog};
use crate::design::{Convolution, Course, DesignPlan, Rows, Source, Values};
use crate::features::{Causality, Channel, convolution};
use crate::glm::{FittedGlm, GlmSpec, Response, StandardErrors, TOLERANCE_F64};
use crate::objective::Counts;

/// Probability of a spike in a bin.
const SPIKES: f64 = 0.02;
/// Mean count of a target in a bin where its features have their means.
const RATE: f64 = 0.05;
/// Standard deviation of the linear predictor.
const EFFECT: f64 = 0.5;
/// Largest relative loss gap.
const TOLERANCE: f64 = 1e-10;

/// Spike trains and functions over their past.
pub(super) struct Histories {
    pub(super) convolution: Convolution,
    pub(super) kernel: Array2<f64>,
    trains: Vec<Course>,
}

impl Histories {
    /// So many bins of 1 ms of so many spike trains.
    pub(super) fn new(n_bins: usize, n_channels: usize) -> Result<Self> {
        let kernel = RaisedCosineLog::new(N_FUNCTIONS)?.kernel(WINDOW)?;
        let train = |k: usize| Course::of_counts(&spikes(n_bins, SPIKES, &mut stream(k)));
        let trains: Vec<Course> = (0..n_channels).map(train).collect();
        let channel = |(k, values)| Channel { label: format!("neuron {k}"), values };
        let channels = trains.iter().cloned().enumerate().map(channel).collect();
        let block = convolution(&grid(n_bins)?, "units", channels, &kernel, Causality::Causal, false)?;
        Ok(Self { convolution: block.x, kernel, trains })
    }

    /// Counts of all trains, shape (bins, trains).
    pub(super) fn counts(&self) -> Array2<f32> {
        let n_bins = self.convolution.n_bins();
        let mut counts = Array2::zeros((n_bins, self.trains.len()));
        for (train, mut column) in self.trains.iter().zip(counts.columns_mut()) {
            let values = train.clone().into_values(n_bins, 1.0);
            column.iter_mut().zip(values).for_each(|(to, value)| *to = value as f32);
        }
        counts
    }

    /// Counts of targets that depend on the trains, shape (bins, targets).
    fn targets(&self, n_targets: usize) -> Array2<u8> {
        let (n_bins, n_columns) = (self.convolution.n_bins(), self.convolution.n_columns());
        let mut y = Array2::zeros((n_bins, n_targets));
        for (target, mut y) in y.columns_mut().into_iter().enumerate() {
            let mut random = stream(1_000_000 + target);
            let draw = |_| -> f64 { StandardNormal.sample(&mut random) };
            let coef: Vec<f64> = (0..n_columns).map(draw).collect();
            let mut eta = Values::from(self.convolution.all()).product(&coef);
            // the first bins have no complete past
            let known = &eta[WINDOW..n_bins.min(WINDOW + 64 * ROWS_OF_A_STREAM)];
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let sd = (known.iter().map(|eta| (eta - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
            let pieces = eta.par_chunks_mut(ROWS_OF_A_STREAM).enumerate();
            pieces.for_each(|(piece, eta)| {
                let mut random = stream(2_000_000 + target * n_bins + piece);
                for eta in eta {
                    let effect = EFFECT * (*eta - mean) / sd;
                    *eta = if effect.is_finite() { count(RATE * effect.exp(), &mut random) } else { 0.0 };
                }
            });
            y.iter_mut().zip(eta).for_each(|(y, count)| *y = count.min(255.0) as u8);
        }
        y
    }
}

/// A fit to them, again and again.
pub(super) struct MatrixFree {
    name: &'static str,
    of: Histories,
    y: Array2<u8>,
    // kept between the fits, with its scratch: what `fit` uses unless it is told otherwise
    on: Cpu<f32>,
    last: Option<FittedGlm>,
}

impl MatrixFree {
    /// The workload of this name.
    pub(super) fn new(
        name: &'static str,
        n_bins: usize,
        n_channels: usize,
        n_targets: usize,
    ) -> Result<Self> {
        let of = Histories::new(n_bins, n_channels)?;
        let y = of.targets(n_targets);
        Ok(Self { name, of, y, on: Cpu::default(), last: None })
    }

    fn plan(&self) -> Result<DesignPlan<'_>> {
        let of = &self.of.convolution;
        let labels = (0..of.n_columns()).map(|column| format!("X[{column}]")).collect();
        let source = Source { name: "X".into(), labels, x: of.all().into() };
        DesignPlan::new(vec![source], Rows::from_ranges(of.complete().iter().cloned()))
    }

    /// Fits some targets; the fit and the seconds of planning it.
    fn fit<B: Backend>(&self, on: &B, y: Counts, spec: GlmSpec) -> Result<(FittedGlm, f64)> {
        let names = (0..y.ncols()).map(|target| format!("y[{target}]")).collect();
        let (spec, response) = (spec.check()?, Response { y, names });
        let planning = Instant::now();
        let plan = self.plan()?;
        let planned_s = planning.elapsed().as_secs_f64();
        Ok((spec.fit(on, &plan, &response, &mut |_| {})?, planned_s))
    }
}

impl Prepared for MatrixFree {
    fn size(&self) -> Map<String, Value> {
        let form = self.plan().map_or("", |plan| plan.form(0, self.y.ncols(), Level::best()).name());
        let fields = [
            ("rows", json!(self.of.convolution.n_bins())),
            ("columns", json!(self.of.convolution.n_columns())),
            ("targets", json!(self.y.ncols())),
            ("precision", json!("f32")),
            ("tolerance", json!(TOLERANCE)),
            ("form", json!(form)),
        ];
        fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
    }

    fn time(&mut self) -> Result<f64> {
        let spec =
            GlmSpec { tolerance: TOLERANCE, standard_errors: StandardErrors::Off, ..GlmSpec::default() };
        let (fitted, planned_s) = self.fit(&self.on, self.y.view().into(), spec)?;
        let seconds = planned_s + fitted.seconds.fit;
        self.last = Some(fitted);
        Ok(seconds)
    }

    fn proof(&mut self) -> Result<Map<String, Value>> {
        let Some(last) = &self.last else { return Ok(Map::new()) };
        let targets = checked(last.targets.len());
        let mut gap = f64::NEG_INFINITY;
        for &target in &targets {
            let spec = GlmSpec {
                tolerance: TOLERANCE_F64,
                standard_errors: StandardErrors::Off,
                ..GlmSpec::default()
            };
            let y = Counts::from(self.y.view()).target(target);
            let (best, _) = self.fit(&self.on, y, spec)?;
            let column: ArrayView1<u8> = self.y.column(target);
            let mean_y = column.iter().map(|&y| f64::from(y)).sum::<f64>() / column.len() as f64;
            let best = &best.targets[0];
            gap = gap.max((last.targets[target].loss - best.loss) / best.loss.abs().max(mean_y));
        }
        Ok(proof(last, &targets, gap))
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let counts = self.of.counts();
        let y = self.y.mapv(f32::from);
        write_arrays(&folder.join(format!("{}.npz", self.name)), |file| {
            file.add("counts", &counts)?;
            file.add("kernel", &self.of.kernel)?;
            file.add("y", &y)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_without_features_arrives_and_keeps_its_memory_small() {
        let mut workload = MatrixFree::new("test", 30_000, 6, 1).unwrap();
        assert_eq!(workload.size()["form"], "matrix-free");
        workload.time().unwrap();
        let proof = workload.proof().unwrap();
        assert_eq!(proof["converged"], true);
        assert!(proof["loss_gap"].as_f64().unwrap() < 1e-9);
        let mean = workload.y.iter().map(|&y| f64::from(y)).sum::<f64>() / 30_000.0;
        assert!((0.03..0.1).contains(&mean), "{mean}");
        assert_eq!(workload.y.nrows(), 30_000);
    }
}
