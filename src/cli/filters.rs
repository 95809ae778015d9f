//! What the coefficients of a basis add up to: filters over lags, response curves over values; with their errors.

use std::ops::Range;

use ndarray::{Array2, ArrayView1};

use super::data::{Data, Part};
use super::fit::Fitting;
use crate::Result;
use crate::basis::{Expand, Neighbours};
use crate::features::{Expansion, Piece, StudyFeature, Term, Window};
use crate::glm::TargetFit;
use crate::regularizer::{Grid, GridAxis};

/// Points of a response curve.
const N_VALUES: usize = 201;

/// The functions of a basis over what they are functions of.
pub(super) struct Functions {
    /// Lags in seconds, or values of the signal.
    pub(super) x: Vec<f64>,
    /// The functions, shape (x, functions).
    pub(super) values: Array2<f64>,
    /// Whether x are lags.
    pub(super) over_lags: bool,
}

/// What one target's coefficients for one channel of a feature add up to.
pub(super) struct Filter {
    /// Number of the feature.
    pub(super) feature: usize,
    /// Name of the channel: the feature's, or `position[x]`.
    pub(super) channel: String,
    /// Number of the target.
    pub(super) target: usize,
    /// Lags in seconds, or values of the signal.
    pub(super) x: Vec<f64>,
    /// Part of the linear predictor, per unit of the signal over lags.
    pub(super) values: Vec<f64>,
    /// Their standard errors; NaN where unknown.
    pub(super) standard_errors: Vec<f64>,
}

/// Columns that share one basis, by channel: the blocks whose covariance the errors of filters need.
pub(super) fn blocks(data: &Data, part: &Part) -> Vec<Range<usize>> {
    let n = |feature: &StudyFeature| n_functions(feature, data.bin_s);
    pieces(data, part, n).into_iter().flat_map(|(_, channels)| channels).collect()
}

/// The columns of every channel, those of a feature without a basis one by one.
pub(super) fn channel_columns(data: &Data, part: &Part) -> Vec<Range<usize>> {
    let n = |feature: &StudyFeature| feature.spec.n_functions(data.bin_s).ok().filter(|&n| n > 0);
    let of_piece = |(columns, channels): (Range<usize>, Vec<Range<usize>>)| {
        if channels.is_empty() { columns.map(|k| k..k + 1).collect() } else { channels }
    };
    pieces(data, part, n).into_iter().flat_map(of_piece).collect()
}

/// Coefficients with neighbours, channel by channel: along each basis whose functions have an order.
pub(super) fn grids(data: &Data, part: &Part) -> Vec<Grid> {
    let axes = |feature: &StudyFeature| -> Option<Vec<GridAxis>> {
        let axis = |term: &Term| {
            let len = term.n_functions(data.bin_s).ok()?;
            match term.basis().map_or(Neighbours::Line, Expand::neighbours) {
                Neighbours::Line => Some(GridAxis { len, is_cyclic: false }),
                Neighbours::Circle => Some(GridAxis { len, is_cyclic: true }),
                Neighbours::None => None,
            }
        };
        feature.spec.terms().map(axis).collect()
    };
    let mut grids = Vec::new();
    let mut first = 0;
    for piece in &part.group.pieces {
        let end = first + piece.labels.len();
        let own = data.features.get(piece.block).and_then(&axes);
        let n: usize = own.iter().flatten().map(|axis| axis.len).product();
        if let Some(axes) = own.filter(|_| n > 1) {
            grids.extend((first..end).step_by(n).map(|first| Grid { first, axes: axes.clone() }));
        }
        first = end;
    }
    grids
}

/// The columns of every piece, and of its channels where their number of columns is known.
pub(super) fn pieces(
    data: &Data,
    part: &Part,
    n_functions: impl Fn(&StudyFeature) -> Option<usize>,
) -> Vec<(Range<usize>, Vec<Range<usize>>)> {
    let mut first = 0;
    let of_piece = |piece: &Piece| {
        let n = data.features.get(piece.block).and_then(&n_functions);
        let columns = first..first + piece.labels.len();
        first = columns.end;
        let channels = |n: usize| columns.clone().step_by(n).map(|first| first..first + n).collect();
        (columns.clone(), n.map_or(Vec::new(), channels))
    };
    part.group.pieces.iter().map(of_piece).collect()
}

/// Functions per channel of a feature that is one term with a basis.
fn n_functions(feature: &StudyFeature, bin_s: f64) -> Option<usize> {
    let term = feature.spec.single().filter(|term| term.basis().is_some())?;
    term.n_functions(bin_s).ok().filter(|&n| n > 0)
}

/// Whether a feature is made of past or future bins.
pub(super) fn over_lags(feature: &StudyFeature) -> bool {
    feature.spec.single().is_some_and(|term| matches!(term.expansion, Expansion::Convolved { .. }))
}

/// The basis functions of one channel of a feature; `None` without a basis, and for a product.
pub(super) fn functions(feature: &StudyFeature, channel: &str, bin_s: f64) -> Result<Option<Functions>> {
    let Some(term) = feature.spec.single() else { return Ok(None) };
    match &term.expansion {
        Expansion::Plain => Ok(None),
        Expansion::Convolved { basis, window_s, causality, include_present } => {
            let window = Window::from_duration(*window_s, bin_s)?.n_bins();
            let offset = causality.offset(*include_present, window)?;
            // row t of the features holds kernel[k] times the bin t - offset + window - 1 - k
            let lag = |k: usize| (offset - (window as isize - 1) + k as isize) as f64 * bin_s;
            let x = (0..window).map(lag).collect();
            Ok(Some(Functions { x, values: basis.kernel(window)?, over_lags: true }))
        }
        Expansion::Evaluated { basis, .. } => {
            let Some(scale) = feature.ranges.get(channel) else { return Ok(None) };
            let Some(range) = scale.range() else { return Ok(None) };
            // weighted so that both ends are those of the range, to the bit: beyond them there is no value
            let share = |k: usize| k as f64 / (N_VALUES - 1) as f64;
            let x: Vec<f64> =
                (0..N_VALUES).map(|k| (1.0 - share(k)) * range.lo() + share(k) * range.hi()).collect();
            let mut values = Array2::zeros((N_VALUES, basis.n_functions()));
            basis.evaluate(scale, &x, &mut values)?;
            Ok(Some(Functions { x, values, over_lags: false }))
        }
    }
}

/// The channels of a feature that has a basis: name and first column.
pub(super) fn channels(fitting: &Fitting, feature: usize) -> Vec<(String, usize)> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let Some(n) = n_functions(&data.features[feature], data.bin_s) else { return Vec::new() };
    let columns = fit.features[feature].columns;
    let channel = |first: usize| {
        let name = fit.labels[first].rsplit_once('.').map_or("", |(channel, _)| channel);
        (name.to_string(), first)
    };
    (columns[0]..columns[1]).step_by(n).map(channel).collect()
}

/// All filters and response curves: by feature, channel and target that has it.
pub(super) fn filters(fitting: &Fitting) -> Result<Vec<Filter>> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let (mut filters, seen) = (Vec::new(), data.seen());
    for (feature, of_study) in data.features.iter().enumerate() {
        for (channel, first) in channels(fitting, feature) {
            let Some(functions) = functions(of_study, &channel, data.bin_s)? else { continue };
            let with_it = |(target, _): &(usize, _)| seen[*target].contains(&fit.labels[first]);
            for (target, of_target) in fit.targets.iter().enumerate().filter(with_it) {
                let columns = first..first + functions.values.ncols();
                filters.push(Filter {
                    feature,
                    channel: channel.clone(),
                    target,
                    x: functions.x.clone(),
                    values: functions
                        .values
                        .dot(&ArrayView1::from(&of_target.coef[columns.clone()]))
                        .to_vec(),
                    standard_errors: standard_errors(of_target, columns, &functions.values),
                });
            }
        }
    }
    Ok(filters)
}

/// `sqrt(b' C b)` for every row b of the functions, C the covariance of their coefficients.
pub(super) fn standard_errors(
    target: &TargetFit,
    columns: Range<usize>,
    functions: &Array2<f64>,
) -> Vec<f64> {
    // rounding may take a form that is 0 below it; NaN stays
    let root = |square: f64| square.clamp(0.0, f64::INFINITY).sqrt();
    match target.covariances.iter().find(|block| block.columns == columns) {
        Some(block) => functions.rows().into_iter().map(|b| root(b.dot(&block.values.dot(&b)))).collect(),
        None => vec![f64::NAN; functions.nrows()],
    }
}
