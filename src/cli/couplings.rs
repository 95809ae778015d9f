//! Couplings: how much a spike of one unit changes another, as one number for each pair; and how they compare with true ones.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use ndarray::Array2;
use serde_json::{Value, json};

use super::data::Data;
use super::fit::Fitting;
use super::{args::FitArgs, filters};
use crate::basis::Expand;
use crate::features::{Causality, Expansion, Signal, StudyFeature, Term, Window};
use crate::read::csv::CsvFile;
use crate::solver::Status;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::table::{Values, csv_bytes};
use crate::{Error, Result, number};

/// Pairs of units that a correlation needs.
const FEWEST_PAIRS: usize = 3;
/// Columns of a table of true couplings.
const COLUMNS: [&str; 3] = ["receiving", "sending", "area_s"];

/// The couplings of one feature.
pub(super) struct Couplings {
    /// Name of the feature.
    pub(super) feature: String,
    /// The units that are acted on: the targets.
    pub(super) receiving: Vec<String>,
    /// The units that act.
    pub(super) sending: Vec<String>,
    /// Sum of each filter over its lags times the width of a bin, seconds, shape (receiving, sending); NaN where the model has no
    /// such filter, and of a target without an estimate.
    pub(super) area_s: Array2<f64>,
    /// Standard errors; NaN where unknown.
    pub(super) standard_error_s: Array2<f64>,
}

/// The couplings of every feature that is made of the spikes of several units; a product has none.
///
/// # Errors
/// Those of [`Window::from_duration`] and of the kernel of a basis, which a fit has had before.
pub(super) fn of(fitting: &Fitting) -> Result<Vec<Couplings>> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let seen = data.seen();
    let mut found = Vec::new();
    for (feature, columns) in data.features.iter().zip(&fit.features) {
        let Some(weights) = area_of_functions(feature, data.bin_s)? else { continue };
        let channels: Vec<usize> =
            (columns.columns[0]..columns.columns[1]).step_by(weights.ncols()).collect();
        let sending: Vec<String> =
            channels.iter().filter_map(|&first| channel_unit(feature, &fit.labels[first])).collect();
        if sending.is_empty() || sending.len() != channels.len() {
            continue;
        }
        let shape = (data.names.len(), sending.len());
        let (mut areas, mut errors) =
            (Array2::from_elem(shape, f64::NAN), Array2::from_elem(shape, f64::NAN));
        let estimated = fit.targets.iter().enumerate().filter(|(_, target)| has_estimate(target.status));
        for (target, of_target) in estimated {
            for (unit, &first) in channels.iter().enumerate() {
                let own = first..first + weights.ncols();
                if !seen[target].contains(&fit.labels[first]) {
                    continue;
                }
                areas[(target, unit)] =
                    weights.iter().zip(&of_target.coef[own.clone()]).map(|(w, c)| w * c).sum();
                errors[(target, unit)] = match feature.spec.first.expansion {
                    Expansion::Plain => weights[(0, 0)].abs() * of_target.standard_errors[first],
                    _ => filters::standard_errors(of_target, own, &weights)[0],
                };
            }
        }
        let (feature, receiving) = (feature.name.clone(), data.names.clone());
        found.push(Couplings { feature, receiving, sending, area_s: areas, standard_error_s: errors });
    }
    Ok(found)
}

/// Whether coefficients say anything: those of a separated target are where the solver stopped, those of a silent one 0.
fn has_estimate(status: Status) -> bool {
    !matches!(status, Status::Separated | Status::NoEvents | Status::Failed)
}

/// Says of which features the filters are no couplings, since they see the future.
pub(super) fn notices(data: &Data) -> Vec<String> {
    let sees_future = |feature: &&StudyFeature| {
        let of_units = |term: &&Term| matches!(term.signal, Signal::Units | Signal::UnitsOthers);
        let term = feature.spec.single().filter(of_units);
        term.is_some_and(|term| matches!(&term.expansion, Expansion::Convolved { causality, .. } if *causality != Causality::Causal))
    };
    let notice = |feature: &StudyFeature| {
        format!(
            "feature {} sees later spikes of the units, which change nothing before them: its filters are not among the couplings",
            feature.name
        )
    };
    data.features.iter().filter(sees_future).map(notice).collect()
}

/// What each function of a channel adds to the area of its filter, shape (1, functions); `None` for features that are not made of
/// the past spikes of several units.
fn area_of_functions(feature: &StudyFeature, bin_s: f64) -> Result<Option<Array2<f64>>> {
    let Some(term) = feature.spec.single() else { return Ok(None) };
    if !matches!(term.signal, Signal::Units | Signal::UnitsOthers) {
        return Ok(None);
    }
    Ok(match &term.expansion {
        Expansion::Plain => Some(Array2::from_elem((1, 1), term.scale * bin_s)),
        Expansion::Evaluated { .. }
        | Expansion::Convolved { causality: Causality::AntiCausal | Causality::Acausal, .. } => None,
        Expansion::Convolved { basis, window_s, .. } => {
            let kernel = basis.kernel(Window::from_duration(*window_s, bin_s)?.n_bins())?;
            let sums = kernel.columns().into_iter().map(|column| term.scale * bin_s * column.sum());
            Some(Array2::from_shape_vec((1, kernel.ncols()), sums.collect()).unwrap_or_default())
                .filter(|weights| weights.ncols() > 0)
        }
    })
}

/// The unit in the label of a column: `3` of `units[3].1`.
pub(super) fn channel_unit(feature: &StudyFeature, label: &str) -> Option<String> {
    let names = feature.spec.term_names(&feature.name);
    let (_, name) = feature.spec.terms().zip(names).find(|(term, _)| term.signal.is_of_units())?;
    let rest = label.split_once(&format!("{name}["))?.1;
    rest.split_once(']').map(|(unit, _)| unit.to_string())
}

/// A table with a row for each pair: feature, receiving, sending, area and standard error, and the true area where it was given.
/// `None` without couplings.
pub(super) fn bytes(fitting: &Fitting) -> Result<Option<Vec<u8>>> {
    let [mut features, mut receiving, mut sending]: [Vec<String>; 3] = Default::default();
    let [mut areas, mut errors, mut truth]: [Vec<f64>; 3] = Default::default();
    for own in of(fitting)? {
        for ((target, unit), &area_s) in own.area_s.indexed_iter() {
            features.push(own.feature.clone());
            receiving.push(own.receiving[target].clone());
            sending.push(own.sending[unit].clone());
            areas.push(area_s);
            errors.push(own.standard_error_s[(target, unit)]);
            let known = fitting.truth.as_ref();
            truth.extend(known.map(|truth| truth.area_s(&own.receiving[target], &own.sending[unit])));
        }
    }
    let mut columns: Vec<(&str, Values)> = vec![
        ("feature", Values::Texts(&features)),
        ("receiving", Values::Texts(&receiving)),
        ("sending", Values::Texts(&sending)),
        ("area_s", areas.as_slice().into()),
        ("standard_error_s", errors.as_slice().into()),
    ];
    if fitting.truth.is_some() {
        columns.push(("true_area_s", truth.as_slice().into()));
    }
    if areas.is_empty() { Ok(None) } else { csv_bytes(&columns).map(Some) }
}

/// Couplings that are known, because a recording was simulated.
pub(super) struct Truth {
    input: Input,
    /// By receiving and sending unit.
    areas_s: BTreeMap<(String, String), f64>,
}

impl Truth {
    /// Reads the table of `--true-couplings`, if there is one.
    ///
    /// # Errors
    /// Those of reading a table; [`Error::Unknown`] for a column that it does not have.
    pub(super) fn read(args: &FitArgs, limit_bytes: Option<u64>) -> Result<Option<Self>> {
        let Some(path) = &args.true_couplings else { return Ok(None) };
        let limit_bytes = limit_bytes.unwrap_or(u64::MAX);
        let file = CsvFile::open(path, limit_bytes)?;
        let columns: Vec<usize> =
            COLUMNS.iter().map(|name| column(path, &file, name)).collect::<Result<_>>()?;
        let read = file.read(&columns, limit_bytes)?;
        // units are called by whole numbers, as identifiers of a units table are
        let unit = |value: f64| value.to_string();
        let mut areas_s = BTreeMap::new();
        for row in read.values.rows() {
            let pair = (unit(row[0]), unit(row[1]));
            let found = format!("two rows of receiving {}, sending {}", pair.0, pair.1);
            if areas_s.insert(pair, row[2]).is_some() {
                let what = format!("--true-couplings {}", path.display());
                return Err(Error::argument(
                    what,
                    "one row for each pair of units",
                    found,
                    "leave one of them",
                ));
            }
        }
        Ok(Some(Self { input: Input { path: path.clone(), sha256: digest_file(path)? }, areas_s }))
    }

    /// Refuses data whose features have no couplings to compare.
    ///
    /// # Errors
    /// [`Error::Argument`] for features without one of several units, and for fewer than three pairs of different units that a
    /// feature has filters of and the table finite areas.
    pub(super) fn check(&self, data: &Data) -> Result<()> {
        let option = format!("--true-couplings {}", self.input.path.display());
        let is_coupled =
            |feature: &&StudyFeature| matches!(area_of_functions(feature, data.bin_s), Ok(Some(_)));
        let help = "add --unit all --feature 'units : raised-cosine-log(5, window=50ms)'";
        if !data.features.iter().any(|feature| is_coupled(&feature)) {
            return Err(Error::argument(option, "a feature of the spikes of several units", "none", help));
        }
        let shared = |feature: &StudyFeature| {
            pairs_of(data, feature)
                .iter()
                .filter(|(to, from)| to != from && self.area_s(to, from).is_finite())
                .count()
        };
        let coupled = data.features.iter().filter(is_coupled);
        let n_shared = coupled.map(shared).max().unwrap_or(0);
        if n_shared < FEWEST_PAIRS {
            let expected = format!(
                "{FEWEST_PAIRS} or more pairs of different units that receive and send in this fit, with finite areas"
            );
            let help = "name units by their ids, as in the table of units";
            return Err(Error::argument(option, expected, n_shared.to_string(), help));
        }
        Ok(())
    }

    /// NaN for a pair that the table does not name.
    pub(super) fn area_s(&self, receiving: &str, sending: &str) -> f64 {
        self.areas_s.get(&(receiving.to_string(), sending.to_string())).copied().unwrap_or(f64::NAN)
    }

    /// The true couplings between different units against those of a fit.
    fn agreement(&self, fitted: &Couplings) -> Agreement {
        let known = fitted.area_s.indexed_iter().filter_map(|((target, unit), &own)| {
            let (to, from) = (&fitted.receiving[target], &fitted.sending[unit]);
            let truth = self.area_s(to, from);
            (to != from && truth.is_finite()).then_some([own, truth])
        });
        let (pairs, left_out): (Vec<[f64; 2]>, Vec<[f64; 2]>) = known.partition(|pair| pair[0].is_finite());
        let mean = |side: usize| pairs.iter().map(|pair| pair[side]).sum::<f64>() / pairs.len() as f64;
        let means = [mean(0), mean(1)];
        let moment = |a: usize, b: usize| -> f64 {
            pairs.iter().map(|pair| (pair[a] - means[a]) * (pair[b] - means[b])).sum()
        };
        let is_constant = |side: usize| pairs.iter().all(|pair| pair[side] == pairs[0][side]);
        let undefined = if pairs.len() < FEWEST_PAIRS {
            Some("fewer than 3 pairs have an estimate")
        } else if is_constant(0) {
            Some("all couplings of the fit are the same")
        } else if is_constant(1) {
            Some("all true couplings are the same")
        } else {
            None
        };
        let correlation = match undefined {
            Some(_) => f64::NAN,
            None => moment(0, 1) / (moment(0, 0) * moment(1, 1)).sqrt(),
        };
        Agreement { correlation, n_pairs: pairs.len(), n_left_out: left_out.len(), undefined }
    }
}

/// How the couplings of a feature agree with true ones.
struct Agreement {
    /// Pearson's; NaN where there is none.
    correlation: f64,
    /// Pairs of different units that it is of.
    n_pairs: usize,
    /// Pairs whose true coupling is known and that the fit has no estimate of.
    n_left_out: usize,
    /// Why there is no correlation.
    undefined: Option<&'static str>,
}

/// The receiving and sending units of the filters of a feature, before it is fitted.
fn pairs_of(data: &Data, feature: &StudyFeature) -> HashSet<(String, String)> {
    let groups = data.parts.iter().map(|part| &part.group);
    let pairs = groups.flat_map(|group| {
        let own =
            |block: usize| data.features.get(block).is_some_and(|of_block| of_block.name == feature.name);
        let labels =
            group.pieces.iter().filter(move |piece| own(piece.block)).flat_map(|piece| &piece.labels);
        let senders: HashSet<String> = labels.filter_map(|label| channel_unit(feature, label)).collect();
        let of_target = |&target: &usize| {
            let to = data.names[target].clone();
            senders.iter().map(|from| (to.clone(), from.clone())).collect::<Vec<_>>()
        };
        group.targets.iter().flat_map(of_target).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// The couplings of a fit beside the true ones.
pub(super) struct Compared<'a> {
    truth: &'a Truth,
    fitted: Vec<Couplings>,
}

impl<'a> Compared<'a> {
    /// The comparison, if the truth is known.
    ///
    /// # Errors
    /// Those of [`of`].
    pub(super) fn of(fitting: &'a Fitting) -> Result<Option<Self>> {
        let Some(truth) = &fitting.truth else { return Ok(None) };
        Ok(Some(Self { truth, fitted: of(fitting)? }))
    }

    /// One line for each feature.
    pub(super) fn text(&self) -> String {
        let line = |own: &Couplings| {
            let agreement = self.truth.agreement(own);
            let Agreement { correlation, n_pairs, n_left_out, undefined } = &agreement;
            let (feature, table) = (&own.feature, self.truth.input.path.display());
            let why = undefined.map(|why| format!(" ({why})")).unwrap_or_default();
            let left_out = match n_left_out {
                0 => String::new(),
                n => format!(", {n} left out that have no estimate"),
            };
            format!(
                "couplings of {feature} against {table}: correlation {correlation:.4}{why}, {n_pairs} pairs of different units{left_out}\n"
            )
        };
        self.fitted.iter().map(line).collect()
    }

    /// The same for a result.
    pub(super) fn json(&self) -> Value {
        let of_feature = |own: &Couplings| {
            let Agreement { correlation, n_pairs, n_left_out, undefined } = self.truth.agreement(own);
            json!({
                "name": own.feature,
                "correlation": number::to_value(correlation),
                "undefined": undefined,
                "n_pairs": n_pairs,
                "n_left_out": n_left_out,
            })
        };
        json!({ "table": self.truth.input, "features": self.fitted.iter().map(of_feature).collect::<Vec<Value>>() })
    }
}

fn column(path: &Path, file: &CsvFile, name: &str) -> Result<usize> {
    file.names().iter().position(|present| present == name).ok_or_else(|| Error::Unknown {
        kind: "column",
        name: name.into(),
        place: path.display().to_string(),
        present: file.names().to_vec(),
    })
}
