//! Feature blocks: the columns of one feature.

use std::ops;

use ndarray::{Array2, ArrayViewMut2, Axis, Slice};

use super::Causality;
use crate::backend::cpu::convolution::lags::Lags;
use crate::basis::{Domain, Expand, Range, Scale};
use crate::design::{Convolution, Course};
use crate::time::BinGrid;
use crate::{Error, Result};

/// The columns that one feature contributes, one row per bin of its grid.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureBlock<X = Array2<f64>> {
    /// Name of the feature.
    pub name: String,
    /// One label per column.
    pub labels: Vec<String>,
    /// The features, (bins, columns), NaN where unknown.
    pub x: X,
    /// Rows without features by design: their window reaches beyond their epoch, or a sample lies outside a
    /// remembered range.
    pub edge: Vec<bool>,
}

impl<X> FeatureBlock<X> {
    /// The number of edge rows.
    pub fn n_edge(&self) -> usize {
        self.edge.iter().filter(|&&edge| edge).count()
    }

    /// The same with its values in another form.
    pub(super) fn with<Y>(self, form: impl FnOnce(X) -> Y) -> FeatureBlock<Y> {
        FeatureBlock { name: self.name, labels: self.labels, x: form(self.x), edge: self.edge }
    }
}

impl FeatureBlock {
    fn part(&mut self, rows: ops::Range<usize>, columns: ops::Range<usize>) -> ArrayViewMut2<'_, f64> {
        let mut part = self.x.view_mut();
        part.slice_axis_inplace(Axis(0), Slice::from(rows));
        part.slice_axis_inplace(Axis(1), Slice::from(columns));
        part
    }
}

/// One channel of a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel<V = Vec<f64>> {
    /// What people call it: `stimulus`, `position[x]`, `units[3]`.
    pub label: String,
    /// One value per bin, NaN where unknown; or, as a [`Course`], events.
    pub values: V,
}

/// The channels as they are, one column each.
///
/// # Errors
/// [`Error::Length`] if a channel does not have one value per bin, [`Error::Empty`] without channels.
pub fn plain(grid: &BinGrid, name: &str, channels: &[Channel]) -> Result<FeatureBlock> {
    let mut block = empty_block(grid, name, channels, None)?;
    for (channel, mut column) in channels.iter().zip(block.x.columns_mut()) {
        column.iter_mut().zip(&channel.values).for_each(|(to, &value)| *to = value);
    }
    Ok(block)
}

/// The channels evaluated by a basis: column `c K + i` is `b_i` of channel c, on the scale of its range.
///
/// Without `remembered` scales (one per channel) each channel takes its own from these bins; the scales used are
/// returned, so that a model can store them and expand new data alike. A bin where any channel lies outside its
/// range is an edge row: NaN in every column. A NaN sample makes the columns of its own channel NaN.
///
/// # Errors
/// [`Error::Length`] if a channel does not have one value per bin or the number of scales is not that of the
/// channels, [`Error::Empty`] without channels or for a channel without a number, [`Error::NonFinite`] for an
/// infinite value where the range is taken from the data; whatever the basis returns.
pub fn evaluated(
    grid: &BinGrid,
    name: &str,
    channels: &[Channel],
    basis: &dyn Expand,
    remembered: Option<&[Scale]>,
) -> Result<(FeatureBlock, Vec<Scale>)> {
    let n_functions = basis.n_functions();
    let mut block = empty_block(grid, name, channels, Some(n_functions))?;
    let scales = match remembered {
        Some(scales) => scales.to_vec(),
        None => scales(channels, basis, None)?,
    };
    check_scales(name, channels, &scales)?;
    let mut values = Array2::zeros((grid.n_bins(), n_functions));
    for (index, (channel, scale)) in channels.iter().zip(&scales).enumerate() {
        basis.evaluate(scale, &channel.values, &mut values)?;
        let columns = index * n_functions..(index + 1) * n_functions;
        block.part(0..grid.n_bins(), columns).assign(&values);
        for (edge, &value) in block.edge.iter_mut().zip(&channel.values) {
            *edge |= basis.domain().is_outside(scale, value);
        }
    }
    for (mut row, _) in block.x.rows_mut().into_iter().zip(&block.edge).filter(|(_, edge)| **edge) {
        row.fill(f64::NAN);
    }
    Ok((block, scales))
}

/// What takes each channel to the basis: on a range that was given, or that of its own samples.
pub(super) fn scales(channels: &[Channel], basis: &dyn Expand, given: Option<Range>) -> Result<Vec<Scale>> {
    let of_channel = |channel: &Channel| {
        let range = match (given, basis.domain()) {
            (None, Domain::Samples) => return Ok(Scale::unbounded()),
            (Some(range), _) => range,
            (None, _) => Range::of(&channel.label, &channel.values)?,
        };
        let samples: Vec<f64> =
            channel.values.iter().map(|&x| if range.excludes(x) { f64::NAN } else { x }).collect();
        basis.scale(&channel.label, &samples, range)
    };
    channels.iter().map(of_channel).collect()
}

/// Refuses scales that are not those of the channels.
pub(super) fn check_scales(name: &str, channels: &[Channel], scales: &[Scale]) -> Result<()> {
    if scales.len() == channels.len() {
        return Ok(());
    }
    Err(Error::Length {
        what: format!("remembered ranges of the channels of {name}"),
        expected: channels.len(),
        found: scales.len(),
    })
}

/// The channels convolved with the columns of `kernel`, shape (lags, functions), epoch by epoch: column `c K + i`
/// is function i on channel c.
///
/// Rows whose window reaches beyond their epoch are edge rows (NaN); an epoch shorter than the window has no
/// others. A sample that is not finite makes exactly the rows NaN whose window holds it. See [`Causality::offset`]
/// for the formulas.
///
/// # Errors
/// [`Error::Length`] if a channel does not have one value per bin, [`Error::Empty`] without channels, taps or
/// functions, [`Error::NonFinite`] for a tap that is not finite, [`Error::Argument`] for an acausal window
/// without the present bin.
pub fn convolved(
    grid: &BinGrid,
    name: &str,
    channels: &[Channel],
    kernel: &Array2<f64>,
    causality: Causality,
    include_present: bool,
) -> Result<FeatureBlock> {
    let courses = channels.iter().map(|channel| Channel {
        label: channel.label.clone(),
        values: Course::Samples(channel.values.clone()),
    });
    let block = convolution(grid, name, courses.collect(), kernel, causality, include_present)?;
    let mut x = Array2::from_elem((block.x.n_bins(), block.x.n_columns()), f64::NAN);
    block.x.write(x.view_mut())?;
    Ok(block.with(|_| x))
}

/// The same columns, computed when they are wanted.
///
/// # Errors
/// Those of [`convolved`].
pub fn convolution(
    grid: &BinGrid,
    name: &str,
    channels: Vec<Channel<Course>>,
    kernel: &Array2<f64>,
    causality: Causality,
    include_present: bool,
) -> Result<FeatureBlock<Convolution>> {
    let (window_bins, n_functions) = kernel.dim();
    let labels = labels(grid, name, &channels, Some(n_functions))?;
    let offset = causality.offset(include_present, window_bins)?;
    let lags = Lags { window_bins, shift: window_bins as isize - 1 - offset };
    let segments: Vec<ops::Range<usize>> =
        grid.segments().iter().map(|segment| segment.rows.clone()).collect();
    let courses = channels.into_iter().map(|channel| channel.values).collect();
    let of = Convolution::new(courses, grid.n_bins(), kernel.clone(), lags, &segments)?;
    let mut edge = vec![true; grid.n_bins()];
    of.complete().iter().for_each(|rows| edge[rows.clone()].fill(false));
    Ok(FeatureBlock { name: name.into(), labels, x: of, edge })
}

/// A block of zeros with its labels, after checking the channels; `n_functions` is `None` without a basis.
fn empty_block(
    grid: &BinGrid,
    name: &str,
    channels: &[Channel],
    n_functions: Option<usize>,
) -> Result<FeatureBlock> {
    let labels = labels(grid, name, channels, n_functions)?;
    Ok(FeatureBlock {
        name: name.into(),
        x: Array2::zeros((grid.n_bins(), labels.len())),
        labels,
        edge: vec![false; grid.n_bins()],
    })
}

/// Values of which the number of bins may be known.
pub(super) trait Binned {
    fn n_bins(&self) -> Option<usize>;
}

impl Binned for Vec<f64> {
    fn n_bins(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Binned for Course {
    fn n_bins(&self) -> Option<usize> {
        match self {
            Self::Samples(values) => Some(values.len()),
            Self::Events(_) => None,
        }
    }
}

/// One label per column, after checking the channels.
pub(super) fn labels<V: Binned>(
    grid: &BinGrid,
    name: &str,
    channels: &[Channel<V>],
    n_functions: Option<usize>,
) -> Result<Vec<String>> {
    if channels.is_empty() {
        return Err(Error::Empty {
            what: format!("feature {name}"),
            problem: "its signal has no channel".into(),
            help: "choose a signal that the file has; `rheobase inspect` lists them".into(),
        });
    }
    for channel in channels {
        if let Some(found) = channel.values.n_bins().filter(|&found| found != grid.n_bins()) {
            let what = format!("values of {} on the grid", channel.label);
            return Err(Error::Length { what, expected: grid.n_bins(), found });
        }
    }
    Ok(match n_functions {
        None => channels.iter().map(|channel| channel.label.clone()).collect(),
        Some(n) => channels
            .iter()
            .flat_map(|channel| (1..=n).map(move |function| format!("{}.{function}", channel.label)))
            .collect(),
    })
}
