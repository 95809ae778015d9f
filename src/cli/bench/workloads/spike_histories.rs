//! Workloads c-fit, f and g: fits to the past of spike trains, without writing features out.
//!
//! What is given are the events of the trains and the counts of the targets as bytes; the design would be 4 bytes a value.

use std::path::Path;
use std::time::Instant;

use ndarray::{Array2, ArrayView1, Axis};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::super::super::run::in_pool;
use super::super::arrays_file::write_arrays;
use super::super::problem::{checked, proof};
use super::population::{N_FUNCTIONS, WINDOW, grid, spikes};
use super::{Prepared, ROWS_OF_A_STREAM, count, stream};
use crate::Result;
use crate::backend::cpu::simd::Level;
use crate::backend::{Backend, Costs, Cpu, Every, Model};
use crate::basis::{Expand, RaisedCosineLog};
use crate::design::{Column, Convolution, Course, DesignPlan, Rows, Source, Values};
use crate::features::{Causality, Channel, convolution};
use crate::glm::{FittedGlm, GlmSpec, Response, StandardErrors, TOLERANCE_F64};
use crate::objective::{Counts, GlmObjective, Objective, Packed};

/// Probability of a spike in a bin.
const SPIKES: f64 = 0.02;
/// Mean count of a target in a bin where its features have their means.
const RATE: f64 = 0.05;
/// Standard deviation of the linear predictor.
const EFFECT: f64 = 0.5;
/// Bins that are fitted with features as well, where that is asked for.
const TWIN_BINS: usize = 100_000;
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
        let train = |k: usize| Course::of_counts(&spikes(n_bins, SPIKES, &mut stream(k)));
        Self::of(n_bins, (0..n_channels).map(train).collect())
    }

    fn of(n_bins: usize, trains: Vec<Course>) -> Result<Self> {
        let kernel = RaisedCosineLog::new(N_FUNCTIONS)?.kernel(WINDOW)?;
        let channel = |(k, values)| Channel { label: format!("neuron {k}"), values };
        let channels = trains.iter().cloned().enumerate().map(channel).collect();
        let block = convolution(&grid(n_bins)?, "units", channels, &kernel, Causality::Causal, false)?;
        Ok(Self { convolution: block.x, kernel, trains })
    }

    /// The first bins.
    fn head(&self, n_bins: usize) -> Result<Self> {
        let head = |train: &Course| {
            let mut counts = train.clone().into_values(self.convolution.n_bins(), 1.0);
            counts.truncate(n_bins);
            Course::of_counts(&counts)
        };
        Self::of(n_bins, self.trains.iter().map(head).collect())
    }

    fn labels(&self) -> Vec<String> {
        (0..self.convolution.n_columns()).map(|column| format!("X[{column}]")).collect()
    }

    /// A plan of all columns, not written out.
    fn plan(&self) -> Result<DesignPlan<'_>> {
        let x = self.convolution.all().into();
        let source = Source { name: "X".into(), labels: self.labels(), x };
        DesignPlan::new(vec![source], self.rows())
    }

    fn rows(&self) -> Rows {
        Rows::from_ranges(self.convolution.complete().iter().cloned())
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
    /// Whether a part of the bins is fitted with features as well.
    has_twin: bool,
}

impl MatrixFree {
    /// The workload of this name.
    pub(super) fn new(
        name: &'static str,
        n_bins: usize,
        n_channels: usize,
        n_targets: usize,
        has_twin: bool,
    ) -> Result<Self> {
        let of = Histories::new(n_bins, n_channels)?;
        let y = of.targets(n_targets);
        Ok(Self { name, of, y, on: Cpu::default(), last: None, has_twin })
    }

    /// Fits some targets; the fit and the seconds of planning it.
    fn fit<B: Backend>(&self, on: &B, y: Counts, spec: GlmSpec) -> Result<(FittedGlm, f64)> {
        let names = (0..y.ncols()).map(|target| format!("y[{target}]")).collect();
        let (spec, response) = (spec.check()?, Response { y, names });
        let planning = Instant::now();
        let plan = self.of.plan()?;
        let planned_s = planning.elapsed().as_secs_f64();
        Ok((in_pool(|| spec.fit(on, &plan, &response, &mut |_| {}))?, planned_s))
    }
}

/// Fits the first bins without features and with them, both to the last digit; the largest difference of two coefficients
/// relative to the largest coefficient, and the number of bins.
fn difference_from_dense(of: &Histories, y: &Array2<u8>) -> Result<(f64, usize)> {
    let n_bins = TWIN_BINS.min(y.nrows());
    let head = of.head(n_bins)?;
    let y = y.slice_axis(Axis(0), (..n_bins).into());
    let spec = GlmSpec { standard_errors: StandardErrors::Off, ..GlmSpec::default() }.check()?;
    let fit = |plan: &DesignPlan| {
        let response = Response { y: y.into(), names: (0..y.ncols()).map(|k| format!("y[{k}]")).collect() };
        spec.fit(&Cpu::<f32>::default(), plan, &response, &mut |_| {})
    };
    let free = fit(&head.plan()?)?;
    let mut x = Array2::<f64>::zeros((n_bins, head.convolution.n_columns()));
    head.convolution.write(x.view_mut())?;
    let source = Source { name: "X".into(), labels: head.labels(), x: x.view().into() };
    let dense = fit(&DesignPlan::new(vec![source], head.rows())?)?;
    let pairs = || {
        let coefs =
            |fit: &FittedGlm| fit.targets.iter().flat_map(|target| target.coef.clone()).collect::<Vec<f64>>();
        coefs(&free).into_iter().zip(coefs(&dense))
    };
    let largest = pairs().map(|(_, dense)| dense.abs()).fold(0.0, f64::max);
    Ok((pairs().map(|(free, dense)| (free - dense).abs()).fold(0.0, f64::max) / largest, n_bins))
}

impl Prepared for MatrixFree {
    fn size(&self) -> Map<String, Value> {
        let form = self
            .of
            .plan()
            .map_or("", |plan| plan.form(0, self.y.ncols(), &Costs::of_cpu(Level::best())).name());
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

    fn evaluations(&mut self, n: usize) -> Result<Vec<f64>> {
        if self.y.ncols() > 1 {
            return Ok(Vec::new());
        }
        in_pool(|| {
            let plan = self.of.plan()?;
            let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
            let y = Packed::new(self.y.view(), plan.rows());
            let mut f = GlmObjective::new(&self.on, &plan, &columns, &y, Model::default())?;
            let at =
                Array2::from_shape_fn((f.n_parameters(), 1), |(j, _)| if j == 0 { RATE.ln() } else { 0.01 });
            let mut gradient = Array2::zeros(at.dim());
            let mut evaluate = || -> Result<f64> {
                let started = Instant::now();
                f.loss_gradient(&at, &[0], Every::ROW, &mut gradient)?;
                Ok(started.elapsed().as_secs_f64())
            };
            // the first one meets memory that is not there yet
            evaluate()?;
            (0..n).map(|_| evaluate()).collect()
        })
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
        let mut fields = proof(last, &targets, gap);
        if self.has_twin {
            let (difference, n_rows) = difference_from_dense(&self.of, &self.y)?;
            fields.insert("difference_from_dense_fit".into(), crate::number::to_value(difference));
            fields.insert("dense_fit_rows".into(), n_rows.into());
        }
        Ok(fields)
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
        let mut workload = MatrixFree::new("test", 30_000, 6, 1, true).unwrap();
        assert_eq!(workload.size()["form"], "matrix-free");
        workload.time().unwrap();
        let proof = workload.proof().unwrap();
        assert_eq!(proof["converged"], true);
        assert!(proof["loss_gap"].as_f64().unwrap() < 1e-9);
        assert_eq!(proof["dense_fit_rows"], 30_000);
        let difference = proof["difference_from_dense_fit"].as_f64().unwrap();
        assert!(difference > 0.0 && difference < 1e-9, "{difference:e}");
        let seconds = workload.evaluations(2).unwrap();
        assert!(seconds.len() == 2 && seconds.iter().all(|&seconds| seconds > 0.0));
        let mean = workload.y.iter().map(|&y| f64::from(y)).sum::<f64>() / 30_000.0;
        assert!((0.03..0.1).contains(&mean), "{mean}");
        assert_eq!(workload.y.nrows(), 30_000);
    }
}
