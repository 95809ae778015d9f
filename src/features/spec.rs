//! A feature as asked for: what the command line parses, the model file stores and new data are expanded by.
//!
//! `Display` prints the canonical text of a feature, which parses back to the same value.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Columns;
use super::block::{self, Channel, FeatureBlock};
use super::term::{BuiltTerm, Expansion, Signal, Term};
use crate::basis::Scale;
use crate::design::{Course, EvaluatedChannel, Evaluation};
use crate::time::BinGrid;
use crate::{Error, Result};

/// Terms of the longest product.
const MOST_TERMS: usize = 16;
/// Values of a feature that are written out at once; what is larger is written, if at all, where a fit wants it.
const MOST_WRITTEN: usize = 1 << 20;

/// One feature: a term, or the product of several.
///
/// The columns of a product are, channel by channel, all products of a function of each term, those of the last term
/// running fastest: of two terms with `A` and `B` functions, column `c A B + i B + j` is function i of the first times
/// function j of the second, both of their channel c.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct FeatureSpec {
    /// The first term, or the only one.
    pub first: Term,
    /// The terms that it is multiplied with.
    pub times: Vec<Term>,
}

/// As it stands in a model file: the fields of the first term, and the others where there are some.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    signal: Signal,
    scale: f64,
    expansion: Expansion,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    times: Vec<Term>,
}

impl From<Stored> for FeatureSpec {
    fn from(Stored { signal, scale, expansion, times }: Stored) -> Self {
        Self { first: Term { signal, scale, expansion }, times }
    }
}

impl From<FeatureSpec> for Stored {
    fn from(spec: FeatureSpec) -> Self {
        let Term { signal, scale, expansion } = spec.first;
        Self { signal, scale, expansion, times: spec.times }
    }
}

impl From<Term> for FeatureSpec {
    fn from(first: Term) -> Self {
        Self { first, times: Vec::new() }
    }
}

/// A feature on a grid.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its columns.
    pub block: FeatureBlock<Columns>,
    /// What takes each channel of each term to its basis; empty for a term without an evaluated one.
    pub scales: Vec<Vec<Scale>>,
    /// Bins in which a channel lies outside its range: edges, or filled.
    pub n_outside: usize,
}

impl FeatureSpec {
    /// The terms in order.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        std::iter::once(&self.first).chain(&self.times)
    }

    /// The same, to decide on what was left open.
    pub fn terms_mut(&mut self) -> impl Iterator<Item = &mut Term> {
        std::iter::once(&mut self.first).chain(&mut self.times)
    }

    /// The term of a feature that is no product.
    pub fn single(&self) -> Option<&Term> {
        Some(&self.first).filter(|_| self.times.is_empty())
    }

    /// The signal of its terms that are made of spikes; one channel of the feature belongs to each unit.
    pub fn units(&self) -> Option<&Signal> {
        self.terms().map(|term| &term.signal).find(|signal| signal.is_of_units())
    }

    /// Checks what no single part can know.
    ///
    /// # Errors
    /// Those of [`Term::check`]; [`Error::Argument`] for a product of more than 16 terms, and of spikes of different units.
    pub fn check(&self) -> Result<()> {
        if self.times.len() >= MOST_TERMS {
            return Err(Error::argument(
                "feature",
                format!("a product of at most {MOST_TERMS} terms"),
                (1 + self.times.len()).to_string(),
                "multiply fewer terms; sums are further features",
            ));
        }
        self.terms().try_for_each(Term::check)?;
        let mut of_units = self.terms().map(|term| &term.signal).filter(|signal| signal.is_of_units());
        let first = of_units.next();
        match of_units.find(|other| Some(*other) != first) {
            None => Ok(()),
            Some(other) => Err(Error::argument(
                "feature",
                "spikes of the same units in every term",
                format!("{} beside {}", other.name(), first.map(Signal::name).unwrap_or_default()),
                "multiply spikes only with themselves or with series",
            )),
        }
    }

    /// Functions per channel on bins of `bin_s` seconds: the product of those of the terms.
    ///
    /// # Errors
    /// Those of [`super::Window::from_duration`].
    pub fn n_functions(&self, bin_s: f64) -> Result<usize> {
        self.terms().try_fold(1_usize, |n, term| Ok(n.saturating_mul(term.n_functions(bin_s)?)))
    }

    /// One name per feature: that of its signals, the second of the same signals with `_2` and so on.
    pub fn names(features: &[Self]) -> Vec<String> {
        let signals: Vec<String> = features.iter().map(Self::signals).collect();
        let mut names: Vec<String> = Vec::with_capacity(signals.len());
        for signal in &signals {
            names.push(own_name(signal, &names, &signals));
        }
        names
    }

    fn signals(&self) -> String {
        self.terms().map(|term| term.signal.name()).collect::<Vec<_>>().join(" x ")
    }

    /// One name per term of a feature of this name: that of its signal, told apart from the other terms.
    pub fn term_names(&self, name: &str) -> Vec<String> {
        if self.times.is_empty() {
            return vec![name.to_owned()];
        }
        let signals: Vec<String> = self.terms().map(|term| term.signal.name()).collect();
        let mut names: Vec<String> = Vec::with_capacity(signals.len());
        for signal in &signals {
            names.push(own_name(signal, &names, &signals));
        }
        // what tells the feature from others of the same signals
        let suffix = name.strip_prefix(&self.signals()).unwrap_or_default();
        if let Some(last) = names.last_mut() {
            last.push_str(suffix);
        }
        names
    }

    /// The block of this feature from the channels of the signal of each term, which are not scaled yet.
    ///
    /// `remembered` holds for each term the scales (one per channel) that an earlier call returned; without them, and
    /// without a range in the term, an evaluated term takes its ranges from these bins. Other terms have none.
    ///
    /// # Errors
    /// Those of [`Self::check`], [`super::Window::from_duration`], [`block::plain`], [`block::evaluated`] and
    /// [`block::convolved`]; [`Error::Argument`] for a window longer than every epoch and for terms with different
    /// numbers of channels.
    pub fn build<V: Into<Course>>(
        &self,
        grid: &BinGrid,
        name: &str,
        channels: Vec<Vec<Channel<V>>>,
        remembered: &[Option<Vec<Scale>>],
    ) -> Result<Built> {
        self.check()?;
        let n_terms = 1 + self.times.len();
        if channels.len() != n_terms {
            let (what, found) = (format!("terms of {name} with channels"), channels.len());
            return Err(Error::Length { what, expected: n_terms, found });
        }
        let courses = |own: Vec<Channel<V>>| -> Vec<Channel<Course>> {
            own.into_iter().map(|c| Channel { label: c.label, values: c.values.into() }).collect()
        };
        let mut channels: Vec<Vec<Channel<Course>>> = channels.into_iter().map(courses).collect();
        if let Some(term) =
            self.single().filter(|term| !matches!(term.expansion, Expansion::Evaluated { .. }))
        {
            let block = unevaluated(term, grid, name, channels.remove(0))?;
            return Ok(Built { block, scales: vec![Vec::new()], n_outside: 0 });
        }
        let names = self.term_names(name);
        let mut built = Vec::with_capacity(n_terms);
        for (k, ((term, own), name)) in self.terms().zip(channels).zip(&names).enumerate() {
            let remembered = remembered.get(k).and_then(Option::as_deref);
            built.push(term.build(grid, name, own, remembered)?);
        }
        product(name, &names, built, grid.n_bins())
    }
}

/// The block of a single term without an evaluated basis.
fn unevaluated(
    term: &Term,
    grid: &BinGrid,
    name: &str,
    mut channels: Vec<Channel<Course>>,
) -> Result<FeatureBlock<Columns>> {
    let (Some(kernel), Expansion::Convolved { causality, include_present, .. }) =
        (term.kernel(grid)?, &term.expansion)
    else {
        let channels = term.samples(grid, channels)?;
        return Ok(block::plain(grid, name, &channels)?.with(Columns::from));
    };
    if !is_large(grid.n_bins(), channels.len(), kernel.ncols()) {
        let channels = term.samples(grid, channels)?;
        let block = block::convolved(grid, name, &channels, &kernel, *causality, *include_present)?;
        return Ok(block.with(Columns::from));
    }
    for channel in channels.iter_mut().filter(|_| term.scale != 1.0) {
        let course = std::mem::take(&mut channel.values);
        channel.values = Course::Samples(course.into_values(grid.n_bins(), term.scale));
    }
    let block = block::convolution(grid, name, channels, &kernel, *causality, *include_present)?;
    Ok(block.with(Columns::Convolved))
}

/// The terms multiplied channel by channel.
fn product(name: &str, names: &[String], terms: Vec<BuiltTerm>, n_bins: usize) -> Result<Built> {
    let mut scales = Vec::with_capacity(terms.len());
    let [mut edge, mut outside] = [(); 2].map(|()| vec![false; n_bins]);
    let mut channels: Vec<EvaluatedChannel> = Vec::new();
    let mut labels: Vec<Vec<String>> = Vec::new();
    for (k, term) in terms.into_iter().enumerate() {
        edge.iter_mut().zip(&term.edge).for_each(|(edge, own)| *edge |= own);
        outside.iter_mut().zip(&term.outside).for_each(|(outside, own)| *outside |= own);
        scales.push(term.scales);
        if k == 0 {
            (channels, labels) = (term.channels, term.labels);
            continue;
        }
        if term.channels.len() != channels.len() {
            return Err(Error::argument(
                format!("feature {name}"),
                format!("as many channels of {} as of {}: they are paired", names[k], names[0]),
                format!("{} and {}", term.channels.len(), channels.len()),
                "choose one column of each, as in position[x] : bspline(8) x theta : cyclic-bspline(6)",
            ));
        }
        for (channel, other) in channels.iter_mut().zip(term.channels) {
            channel.bases = channel.bases.clone() * other.bases;
            channel.inputs.extend(other.inputs);
        }
        for (own, other) in labels.iter_mut().zip(&term.labels) {
            *own = own.iter().flat_map(|a| other.iter().map(move |b| format!("{a} x {b}"))).collect();
        }
    }
    let x = Evaluation::composed(channels, n_bins)?;
    let is_written = !is_large(n_bins, x.n_columns(), 1);
    let x = if is_written { Columns::from(x.written()?) } else { Columns::Evaluated(x) };
    let block = FeatureBlock { name: name.into(), labels: labels.concat(), x, edge };
    let n_outside = outside.into_iter().filter(|outside| *outside).count();
    Ok(Built { block, scales, n_outside })
}

/// What a signal is called that others may have the name of: with `_2` and so on where it is taken.
fn own_name(signal: &str, taken: &[String], signals: &[String]) -> String {
    let mut name = signal.to_owned();
    let mut nth = 1;
    // a series may itself be called like a second use of another
    while taken.contains(&name) || (nth > 1 && signals.contains(&name)) {
        nth += 1;
        name = format!("{signal}_{nth}");
    }
    name
}

/// Whether the columns of a feature with a basis are computed when they are needed.
pub(super) fn is_large(n_bins: usize, n_channels: usize, n_functions: usize) -> bool {
    n_bins.saturating_mul(n_channels).saturating_mul(n_functions) > MOST_WRITTEN
}

impl fmt::Display for FeatureSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.times.iter().try_for_each(|term| write!(f, " x {term}"))
    }
}
