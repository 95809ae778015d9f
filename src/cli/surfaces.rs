//! What the coefficients of a product of two evaluated bases add up to: a surface over both values, with its errors.

use std::ops::Range;

use ndarray::{Array2, ArrayView1};

use super::data::{Data, Part};
use super::filters;
use super::fit::Fitting;
use crate::Result;
use crate::basis::Expand;
use crate::features::{Expansion, StudyFeature, Term};
use crate::math::dense::Matrix;

/// Cells of a surface along each value.
const N_CELLS: usize = 40;
/// Most coefficients of a surface whose covariance is kept for its errors.
const MOST_FUNCTIONS: usize = 400;

/// What one target's coefficients for one channel of a product add up to.
pub(super) struct Surface {
    /// Number of the feature.
    pub(super) feature: usize,
    /// The channels of the two signals: `position[x]` and `theta`.
    pub(super) channels: [String; 2],
    /// Number of the target.
    pub(super) target: usize,
    /// Edges of the cells along each value.
    pub(super) edges: [Vec<f64>; 2],
    /// Middles of the cells.
    pub(super) centres: [Vec<f64>; 2],
    /// Part of the linear predictor in the middle of each cell, shape (first value, second value).
    pub(super) values: Array2<f64>,
    /// Their standard errors; NaN where unknown.
    pub(super) standard_errors: Array2<f64>,
}

/// The two terms of a feature that has a surface.
fn terms(feature: &StudyFeature) -> Option<[&Term; 2]> {
    let terms: Vec<&Term> = feature.spec.terms().collect();
    let is_evaluated = |term: &&Term| matches!(term.expansion, Expansion::Evaluated { .. });
    (terms.len() == 2 && terms.iter().all(is_evaluated)).then(|| [terms[0], terms[1]])
}

fn n_functions(feature: &StudyFeature, bin_s: f64) -> Option<usize> {
    terms(feature)?;
    feature.spec.n_functions(bin_s).ok().filter(|&n| n > 0)
}

/// Columns of one channel of a product: the blocks whose covariance the errors of surfaces need.
pub(super) fn blocks(data: &Data, part: &Part) -> Vec<Range<usize>> {
    let n = |feature: &StudyFeature| n_functions(feature, data.bin_s).filter(|&n| n <= MOST_FUNCTIONS);
    filters::pieces(data, part, n).into_iter().flat_map(|(_, channels)| channels).collect()
}

/// What to say about products without a surface.
pub(super) fn notices(data: &Data) -> Vec<String> {
    let of = |feature: &StudyFeature| {
        if feature.spec.single().is_some() || terms(feature).is_some() {
            return None;
        }
        let why = match feature.spec.terms().count() {
            2 => "one of its terms is a signal as it is, or sees the past",
            _ => "it has more than two terms",
        };
        Some(format!("the product {} has no surface in tables and figures: {why}", feature.name))
    };
    data.features.iter().filter_map(of).collect()
}

/// All surfaces: by feature, channel and target that has it.
pub(super) fn surfaces(fitting: &Fitting) -> Result<Vec<Surface>> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let (mut surfaces, seen) = (Vec::new(), data.seen());
    for (number, feature) in data.features.iter().enumerate() {
        let (Some(terms), Some(n)) = (terms(feature), n_functions(feature, data.bin_s)) else { continue };
        let [start, end] = fit.features[number].columns;
        for first in (start..end).step_by(n) {
            let Some(channels) = channels(&fit.labels[first], &feature.spec.term_names(&feature.name)) else {
                continue;
            };
            let [one, other] = [0, 1].map(|k| axis(feature, terms[k], &channels[k]));
            let (Some(one), Some(other)) = (one?, other?) else { continue };
            let with_it = |(target, _): &(usize, _)| seen[*target].contains(&fit.labels[first]);
            for (target, of_target) in fit.targets.iter().enumerate().filter(with_it) {
                let columns = first..first + n;
                let block = of_target.covariances.iter().find(|block| block.columns == columns);
                let coef = ArrayView1::from(&of_target.coef[columns]);
                let Ok(weights) =
                    coef.into_shape_with_order((one.functions.ncols(), other.functions.ncols()))
                else {
                    continue;
                };
                surfaces.push(Surface {
                    feature: number,
                    channels: channels.clone(),
                    target,
                    edges: [one.edges.clone(), other.edges.clone()],
                    centres: [one.centres.clone(), other.centres.clone()],
                    values: one.functions.dot(&weights).dot(&other.functions.t()),
                    standard_errors: standard_errors(
                        block.map(|block| &block.values),
                        [&one.functions, &other.functions],
                    ),
                });
            }
        }
    }
    Ok(surfaces)
}

/// One value of a surface.
struct Along {
    edges: Vec<f64>,
    centres: Vec<f64>,
    /// The basis at the middles, shape (cells, functions).
    functions: Array2<f64>,
}

/// `None` for a basis of values without a range.
fn axis(feature: &StudyFeature, term: &Term, channel: &str) -> Result<Option<Along>> {
    let (Some(scale), Some(basis)) = (feature.ranges.get(channel), term.basis()) else { return Ok(None) };
    let Some(range) = scale.range() else { return Ok(None) };
    let at = |share: f64| (1.0 - share) * range.lo() + share * range.hi();
    let n = N_CELLS as f64;
    let edges = (0..=N_CELLS).map(|k| at(k as f64 / n)).collect();
    let centres: Vec<f64> = (0..N_CELLS).map(|k| at((k as f64 + 0.5) / n)).collect();
    let mut functions = Array2::zeros((N_CELLS, basis.n_functions()));
    basis.evaluate(scale, &centres, &mut functions)?;
    Ok(Some(Along { edges, centres, functions }))
}

/// The channels in the name of a column, `position[x].1 x theta.1`, of terms of these names.
fn channels(label: &str, names: &[String]) -> Option<[String; 2]> {
    let [first, second] = names else { return None };
    let (own, rest) = channel(label, first)?;
    let (other, rest) = channel(rest.strip_prefix(" x ")?, second)?;
    rest.is_empty().then(|| [own.into(), other.into()])
}

/// The channel that a text begins with, of a term of this name, and what is left behind the number of its function. A name may hold
/// points and blanks.
fn channel<'t>(text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    let rest = text.strip_prefix(name)?;
    let end = if rest.starts_with('[') { rest.find("].").map(|at| at + 1)? } else { 0 };
    let digits = rest[end..].strip_prefix('.')?;
    let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    Some((&text[..name.len() + end], after))
}

/// `sqrt(b' C b)` in every cell, b the products of the functions there, C the covariance of their coefficients; NaN without it.
fn standard_errors(covariance: Option<&Matrix>, [one, other]: [&Array2<f64>; 2]) -> Array2<f64> {
    let cells = (one.nrows(), other.nrows());
    let Some(covariance) = covariance else { return Array2::from_elem(cells, f64::NAN) };
    // functions are mostly 0 where they are local
    let standing = |functions: &Array2<f64>| -> Vec<Vec<(usize, f64)>> {
        let of_row =
            |row: ArrayView1<f64>| row.iter().copied().enumerate().filter(|(_, b)| *b != 0.0).collect();
        functions.rows().into_iter().map(of_row).collect()
    };
    let (rows, columns, inner) = (standing(one), standing(other), other.ncols());
    Array2::from_shape_fn(cells, |(i, j)| {
        let products: Vec<(usize, f64)> = (rows[i].iter())
            .flat_map(|(a, x)| columns[j].iter().map(move |(b, y)| (a * inner + b, x * y)))
            .collect();
        let of = |(k, x): &(usize, f64)| -> f64 {
            products.iter().map(|(l, y)| x * y * covariance[(*k, *l)]).sum()
        };
        // rounding may take a form that is 0 below it; NaN stays
        products.iter().map(of).sum::<f64>().clamp(0.0, f64::INFINITY).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::{channels, standard_errors};

    #[test]
    fn errors_are_those_of_the_products_of_functions() {
        let one =
            Array2::from_shape_fn(
                (3, 2),
                |(i, a)| if (i, a) == (1, 0) { 0.0 } else { (i + 2 * a) as f64 - 1.5 },
            );
        let other = Array2::from_shape_fn((4, 3), |(j, b)| ((j * 3 + b * 5) % 7) as f64 - 2.0);
        let root = Array2::from_shape_fn((6, 6), |(k, l)| ((k * 5 + l * 3) % 11) as f64 / 11.0);
        let covariance = root.dot(&root.t());
        let found = standard_errors(Some(&covariance), [&one, &other]);
        for ((i, j), error) in found.indexed_iter() {
            let b = Array1::from_shape_fn(6, |k| one[(i, k / 3)] * other[(j, k % 3)]);
            let expected = b.dot(&covariance.dot(&b)).sqrt();
            assert!((error - expected).abs() < 1e-12 * expected.max(1.0), "{i} {j}: {error} {expected}");
        }
        assert!(standard_errors(None, [&one, &other]).iter().all(|error| error.is_nan()));
    }

    #[test]
    fn channels_are_found_in_the_names_of_columns() {
        let names = |a: &str, b: &str| [a.to_string(), b.to_string()];
        let found = |label: &str, a: &str, b: &str| channels(label, &names(a, b));
        let plain = found("place.1 x theta.12", "place", "theta").unwrap();
        assert_eq!(plain, names("place", "theta"));
        let column = found("place[x.y].3 x 'a x b'.1", "place", "'a x b'").unwrap();
        assert_eq!(column, names("place[x.y]", "'a x b'"));
        let second = found("v1.5.2 x v1.5_2.7", "v1.5", "v1.5_2").unwrap();
        assert_eq!(second, names("v1.5", "v1.5_2"));
        // a signal as it is has no number
        assert_eq!(found("place x theta.1", "place", "theta"), None);
    }
}
