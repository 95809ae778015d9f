//! Responses drawn at random from a fitted model.

use ndarray::{Array2, ArrayView2, Axis, Slice};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::super::applied::Applied;
use super::super::data::Data;
use super::feedback::Feedback;
use crate::observation::ObservationModel;
use crate::simulate::CoupledPopulation;
use crate::{Error, Result};

/// Linear predictors beyond this are as good as infinite, which that of a target without an event is.
const FAR: f64 = 1e300;

/// What decides the draws beside the model and the data.
#[derive(Clone, Copy)]
pub(super) struct Chance {
    pub(super) seed: u64,
    pub(super) n_repeats: usize,
    /// Largest rate, Hz.
    pub(super) most_hz: f64,
}

/// One repeat.
pub(super) struct Repeat {
    /// Shape (bins, targets); NaN where the model says nothing.
    pub(super) counts: Array2<f64>,
    /// The means that they were drawn at, likewise.
    pub(super) expected: Array2<f64>,
}

/// All draws.
pub(super) struct Draws {
    pub(super) chance: Chance,
    pub(super) repeats: Vec<Repeat>,
    /// Bins, targets and repeats whose mean was held at the largest; `None` for data without time.
    pub(super) n_held: Option<usize>,
    /// Features through which the draws act on later ones; empty where every bin is drawn by itself.
    pub(super) features: Vec<String>,
    /// Growth of excitation from one generation of spikes to the next, see [`CoupledPopulation::excitatory_growth`].
    pub(super) growth: Option<f64>,
}

/// How a target responds around a mean.
struct Response {
    observation: ObservationModel,
    scale: f64,
}

impl Draws {
    /// Draws everything.
    ///
    /// # Errors
    /// Those of [`Feedback::of`]; [`Error::Memory`] for more draws than fit; [`Error::Argument`] for a largest rate that is too
    /// large for the bins.
    pub(super) fn new(applied: &Applied, chance: Chance, limit_bytes: Option<u64>) -> Result<Self> {
        let (fit, data) = (&applied.model.fit, &applied.data);
        let n_values = data.n_bins().saturating_mul(data.names.len()).saturating_mul(chance.n_repeats);
        let needed_bytes = (n_values as u64).saturating_mul(2 * 8);
        if let Some(limit_bytes) = limit_bytes.filter(|limit| needed_bytes > *limit) {
            let what = format!("{} repeats of {} bins", chance.n_repeats, data.n_bins());
            return Err(Error::Memory { what, needed_bytes, limit_bytes });
        }
        let responses: Vec<Response> = applied
            .fitted
            .iter()
            .map(|&fitted| {
                let target = &fit.targets[fitted];
                Response { observation: fit.model_of(target).observation, scale: target.scale }
            })
            .collect();
        let feedback = Feedback::of(applied)?;
        let (mut repeats, mut n_held) = (Vec::with_capacity(chance.n_repeats), 0);
        let mut population =
            feedback.as_ref().map(|feedback| Recurrent::new(applied, feedback)).transpose()?;
        for repeat in 0..chance.n_repeats {
            let mut random = ChaCha8Rng::seed_from_u64(chance.seed);
            random.set_stream(repeat as u64);
            let mut draw = |target: usize, mean: f64| {
                responses[target].observation.sample(mean, responses[target].scale, &mut random)
            };
            let (drawn, held) = match &mut population {
                Some(population) => population.draw(data, chance.most_hz, &mut draw)?,
                None => independent(applied, chance.most_hz, &mut draw),
            };
            repeats.push(drawn);
            n_held += held;
        }
        let growth = match &population {
            Some(population) => Some(population.growth(data, chance.most_hz, &repeats)?),
            None => None,
        };
        let features = feedback.map_or(Vec::new(), |feedback| feedback.features);
        let n_held = data.bin_s.is_finite().then_some(n_held);
        Ok(Self { chance, repeats, n_held, features, growth })
    }

    /// What a user should not overlook.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(growth) = self.growth.filter(|growth| *growth > 1.0) {
            warnings.push(format!(
                "a spike leads to {growth:.2} others at these rates (more than 1): the population may run away and be \
                 held by the largest rate alone; a penalty on the fit, or a shorter window, makes filters smaller"
            ));
        }
        if let Some(n_held) = self.n_held.filter(|n| *n > 0) {
            warnings.push(format!(
                "{n_held} draws at {} Hz, the largest rate: what follows them is not what the model says; see --max-rate",
                self.chance.most_hz
            ));
        }
        warnings
    }
}

/// Every bin by itself.
fn independent(applied: &Applied, most_hz: f64, draw: &mut dyn FnMut(usize, f64) -> f64) -> (Repeat, usize) {
    let data = &applied.data;
    // arrays have no time, hence no rates
    let most = if data.bin_s.is_finite() { most_hz * data.bin_s } else { f64::INFINITY };
    let shape = (data.n_bins(), data.names.len());
    let (mut counts, mut expected) = (Array2::from_elem(shape, f64::NAN), Array2::from_elem(shape, f64::NAN));
    let mut n_held = 0;
    for bin in 0..shape.0 {
        for target in 0..shape.1 {
            let mean = applied.expected[target][bin];
            if mean.is_nan() {
                continue;
            }
            n_held += usize::from(mean > most);
            expected[(bin, target)] = mean.min(most);
            counts[(bin, target)] = draw(target, mean.min(most));
        }
    }
    (Repeat { counts, expected }, n_held)
}

/// Targets that act on each other.
struct Recurrent<'a> {
    feedback: &'a Feedback,
    link: crate::inverse_link::InverseLink,
    basis: Array2<f64>,
    intercepts: Vec<f64>,
    /// What is not of the targets' spikes, shape (bins, targets): the intercept too; 0 where nothing is drawn.
    drive: Array2<f64>,
    /// NaN where a count is drawn, else what was recorded, shape (bins, targets).
    given: Array2<f64>,
}

impl<'a> Recurrent<'a> {
    fn new(applied: &Applied, feedback: &'a Feedback) -> Result<Self> {
        let (fit, data) = (&applied.model.fit, &applied.data);
        let shape = (data.n_bins(), data.names.len());
        let (mut drive, mut given) = (Array2::zeros(shape), Array2::from_elem(shape, f64::NAN));
        let offset = data.row_terms.offset.as_ref().map(|offset| offset.as_slice());
        for part in &data.parts {
            let sources = part.sources(&data.blocks)?;
            for &target in &part.group.targets {
                let own =
                    fit.linear_predictor(applied.fitted[target], &sources, &feedback.columns[target], offset);
                for (bin, eta) in own.into_iter().enumerate() {
                    if applied.expected[target][bin].is_nan() {
                        // no count is as good as one that nobody knows
                        let count = data.y.get(bin, target);
                        given[(bin, target)] = if count.is_nan() { 0.0 } else { count };
                    } else {
                        drive[(bin, target)] = eta.clamp(-FAR, FAR);
                    }
                }
            }
        }
        let intercepts = vec![0.0; shape.1];
        let (link, basis) = (fit.model.inverse_link, feedback.basis());
        Ok(Self { feedback, link, basis, intercepts, drive, given })
    }

    /// The population in these bins, from silence: the first bins of an epoch are given.
    fn population<'p>(
        &'p self,
        drive: ArrayView2<'p, f64>,
        silence: ArrayView2<'p, f64>,
        most: f64,
    ) -> CoupledPopulation<'p> {
        CoupledPopulation {
            coupling: self.feedback.filters.view(),
            basis: self.basis.view(),
            intercepts: &self.intercepts,
            drive,
            before: silence,
            inverse_link: self.link,
            most_expected: most,
        }
    }

    fn silence(&self) -> Array2<f64> {
        Array2::zeros((self.basis.nrows(), self.intercepts.len()))
    }

    /// One repeat, epoch by epoch: nothing acts across a gap.
    fn draw(
        &self,
        data: &Data,
        most_hz: f64,
        draw: &mut dyn FnMut(usize, f64) -> f64,
    ) -> Result<(Repeat, usize)> {
        let silence = self.silence();
        let (mut counts, mut expected) = (Vec::new(), Vec::new());
        let (mut n_held, mut first) = (0, 0);
        let epochs = data.epoch_of_bins();
        for own in epochs.chunk_by(|a, b| a == b) {
            let rows = Slice::from(first..first + own.len());
            first += own.len();
            let given = self.given.slice_axis(Axis(0), rows);
            let population =
                self.population(self.drive.slice_axis(Axis(0), rows), silence.view(), most_hz * data.bin_s);
            let simulated = population.simulate_with(Some(given), &mut *draw)?;
            n_held += simulated.n_held;
            counts.push(simulated.counts);
            expected.push(simulated.expected);
        }
        let joined = |parts: &[Array2<f64>]| {
            let views: Vec<ArrayView2<f64>> = parts.iter().map(|part| part.view()).collect();
            let joined = ndarray::concatenate(Axis(0), &views);
            joined.unwrap_or_else(|_| Array2::zeros(self.drive.dim()))
        };
        let (mut counts, expected) = (joined(&counts), joined(&expected));
        // what was given was not drawn
        counts
            .iter_mut()
            .zip(&expected)
            .filter(|(_, mean)| mean.is_nan())
            .for_each(|(count, _)| *count = f64::NAN);
        Ok((Repeat { counts, expected }, n_held))
    }

    /// The growth at the mean rates of all repeats.
    fn growth(&self, data: &Data, most_hz: f64, repeats: &[Repeat]) -> Result<f64> {
        let mean = |target: usize| {
            let known = || repeats.iter().flat_map(|repeat| repeat.expected.column(target).to_vec());
            let known = || known().filter(|mean| mean.is_finite());
            let n = known().count();
            if n == 0 { 0.0 } else { known().sum::<f64>() / n as f64 }
        };
        let means: Vec<f64> = (0..self.intercepts.len()).map(mean).collect();
        let silence = self.silence();
        self.population(self.drive.view(), silence.view(), most_hz * data.bin_s).excitatory_growth(&means)
    }
}
