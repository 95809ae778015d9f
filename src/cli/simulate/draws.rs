//! Responses drawn at random from a fitted model.

use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::super::applied::Applied;
use super::super::data::Data;
use super::super::predict::Format;
use super::feedback::Feedback;
use super::{held_warning, most_expected};
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;
use crate::simulate::{CoupledFilters, CoupledPopulation, Source};
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
    /// What the draws are written as.
    pub(super) format: Option<Format>,
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
    /// Bins, targets and repeats whose mean was held at the largest; `None` for data without time, and of responses that are not counts.
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
        let needed_bytes = (n_values as u64).saturating_mul(bytes_of_draw(chance.format));
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
        let is_capped = data.bin_s.is_finite() && fit.model.observation.has_events();
        // arrays have no time, hence no rates, and what is no count has none either
        let most = if is_capped { most_expected(chance.most_hz, data.bin_s)? } else { f64::INFINITY };
        let feedback = Feedback::of(applied)?;
        let (mut repeats, mut n_held) = (Vec::with_capacity(chance.n_repeats), 0);
        let mut population =
            feedback.as_ref().map(|feedback| Recurrent::new(applied, feedback)).transpose()?;
        for repeat in 0..chance.n_repeats {
            let mut random = Source::Draws(repeat).stream(chance.seed);
            let mut draw = |target: usize, mean: f64| {
                responses[target].observation.sample(mean, responses[target].scale, &mut random)
            };
            let (drawn, held) = match &mut population {
                Some(population) => population.draw(data, most, &mut draw)?,
                None => independent(applied, most, &mut draw),
            };
            repeats.push(drawn);
            n_held += held;
        }
        let growth = match &population {
            Some(population) => Some(population.growth(most, &repeats)?),
            None => None,
        };
        let features = feedback.map_or(Vec::new(), |feedback| feedback.features);
        let n_held = is_capped.then_some(n_held);
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
        warnings.extend(held_warning(self.n_held.unwrap_or(0), "draws", self.chance.most_hz));
        warnings
    }
}

/// Bytes of a draw and its mean: both are kept, of a file copied, and written as numbers or as text of some 20 characters.
fn bytes_of_draw(format: Option<Format>) -> u64 {
    match format {
        None => 16,
        Some(Format::Npz) => 3 * 16,
        // with four columns that say which row it is
        Some(Format::Csv) => 2 * 16 + 40 + 4 * (8 + 20),
    }
}

/// Every bin by itself.
fn independent(applied: &Applied, most: f64, draw: &mut dyn FnMut(usize, f64) -> f64) -> (Repeat, usize) {
    let data = &applied.data;
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
struct Recurrent {
    filters: CoupledFilters,
    link: InverseLink,
    intercepts: Vec<f64>,
    /// What is not of the targets' spikes, shape (bins, targets): the intercept too; 0 where nothing is drawn.
    drive: Array2<f64>,
    /// NaN where a count is drawn, else what was recorded, shape (bins, targets).
    given: Array2<f64>,
}

impl Recurrent {
    fn new(applied: &Applied, feedback: &Feedback) -> Result<Self> {
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
        let (link, filters) = (fit.model.inverse_link, CoupledFilters::of_lags(feedback.filters.view())?);
        Ok(Self { filters, link, intercepts, drive, given })
    }

    /// The population in these bins, from silence: the first bins of an epoch are given.
    fn population<'p>(
        &'p self,
        drive: ArrayView2<'p, f64>,
        silence: ArrayView2<'p, f64>,
        most: f64,
    ) -> CoupledPopulation<'p> {
        CoupledPopulation {
            filters: &self.filters,
            intercepts: &self.intercepts,
            drive,
            before: silence,
            inverse_link: self.link,
            most_expected: most,
        }
    }

    fn silence(&self) -> Array2<f64> {
        Array2::zeros((self.filters.n_lags(), self.intercepts.len()))
    }

    /// One repeat, epoch by epoch: nothing acts across a gap.
    fn draw(
        &self,
        data: &Data,
        most: f64,
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
            let population = self.population(self.drive.slice_axis(Axis(0), rows), silence.view(), most);
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
    fn growth(&self, most: f64, repeats: &[Repeat]) -> Result<f64> {
        let mean = |target: usize| {
            let known = || repeats.iter().flat_map(|repeat| repeat.expected.column(target).to_vec());
            let known = || known().filter(|mean| mean.is_finite());
            let n = known().count();
            if n == 0 { 0.0 } else { known().sum::<f64>() / n as f64 }
        };
        let means: Vec<f64> = (0..self.intercepts.len()).map(mean).collect();
        let silence = self.silence();
        self.population(self.drive.view(), silence.view(), most).excitatory_growth(&means)
    }
}
