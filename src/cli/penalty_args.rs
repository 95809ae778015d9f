//! Which penalty keeps coefficients small, few or smooth.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use csv::ReaderBuilder;

use super::cv_args::Strengths;
use super::data::{Data, Part};
use super::filters;
use crate::basis::{Expand, Neighbours};
use crate::features::{StudyFeature, Term};
use crate::read::regular;
use crate::regularizer::{Grid, GridAxis, Groups, Regularizer};
use crate::{Error, Result};

/// Order of the differences of a smoothness penalty.
const ORDER: usize = 2;

/// Arguments that choose the penalty.
#[derive(Clone, Debug, Args)]
pub struct PenaltyArgs {
    /// Penalty on the coefficients, added to the mean loss; never on the intercept
    #[arg(long, default_value = "none")]
    pub regularizer: Penalty,
    /// Strength of the penalty, per unit of the features as typed: ridge is L/2 times the sum of squares; a:b:n is n
    /// strengths from a to b for --cv to choose from
    #[arg(long, value_name = "L", value_parser = Strengths::parse)]
    pub strength: Option<Strengths>,
    /// Of the elastic net, the part of the magnitudes: 1 is the lasso [default: 0.5]
    #[arg(long, value_name = "R")]
    pub ratio: Option<f64>,
    /// Of the group lasso, what vanishes together: the columns of a `feature`, those of a `channel` (of a unit, say), or
    /// a file with the columns `column` and `group` [default: feature]
    #[arg(long, value_name = "feature|channel|FILE.csv")]
    pub groups: Option<PathBuf>,
}

/// Penalty on the coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Penalty {
    /// No penalty
    None,
    /// The sum of squares: all coefficients become smaller
    Ridge,
    /// The sum of magnitudes: some coefficients become 0
    Lasso,
    /// Magnitudes and squares
    ElasticNet,
    /// The norms of groups: whole features become 0
    GroupLasso,
    /// Differences of neighbouring functions of a basis: curves and filters become smooth
    Smooth,
}

impl PenaltyArgs {
    /// Checks what can be without the data.
    ///
    /// # Errors
    /// [`Error::Argument`] for a penalty without a strength, one that is not above 0, and options of another penalty.
    pub(super) fn check(&self) -> Result<()> {
        let name = self.name();
        let foreign = [
            (
                "--strength",
                self.strength.is_some() && self.regularizer == Penalty::None,
                "a penalty that it is for",
                "ridge",
            ),
            (
                "--ratio",
                self.ratio.is_some() && self.regularizer != Penalty::ElasticNet,
                "elastic-net",
                "elastic-net",
            ),
            (
                "--groups",
                self.groups.is_some() && self.regularizer != Penalty::GroupLasso,
                "group-lasso",
                "group-lasso",
            ),
        ];
        if let Some((option, _, expected, remedy)) = foreign.into_iter().find(|(_, is_given, ..)| *is_given) {
            let help = format!("add --regularizer {remedy}, or leave it out");
            return Err(Error::argument(option, expected, name, help));
        }
        if self.regularizer != Penalty::None && self.strength.is_none() {
            let expected = format!("the strength of the {name} penalty");
            let help = "add --strength 1e-3 and compare scores on held-out data";
            return Err(Error::argument("strength", expected, "nothing", help));
        }
        // the numbers, wherever the columns are
        let axes = vec![GridAxis { len: ORDER + 1, is_cyclic: false }];
        self.regularizer(vec![Grid { first: 0, axes }], Groups::Features).check()
    }

    /// The penalty of one part of the data.
    ///
    /// # Errors
    /// [`Error::Argument`] for a smoothness penalty without a basis, and whatever reading the file of groups returns.
    pub(super) fn of_part(&self, data: &Data, part: &Part) -> Result<Regularizer> {
        let grids = if self.regularizer == Penalty::Smooth { filters::grids(data, part) } else { Vec::new() };
        let named = self.groups.as_deref().unwrap_or(Path::new("feature"));
        let groups = match named.to_str() {
            Some("feature") => Groups::Features,
            Some("channel") => Groups::Columns(
                filters::channel_columns(data, part).into_iter().map(Iterator::collect).collect(),
            ),
            _ if named.extension().is_none() && !named.exists() => {
                let help = "write --groups channel, or a table with the columns `column` and `group`";
                let word = named.display().to_string();
                return Err(Error::argument("--groups", "feature, channel or FILE.csv", word, help));
            }
            // a path may be no text
            _ => {
                let labels: Vec<&String> = part.group.pieces.iter().flat_map(|piece| &piece.labels).collect();
                let all: Vec<&String> = data.labels.iter().flatten().collect();
                Groups::Columns(groups_of_file(named, &labels, &all)?)
            }
        };
        let others = || data.parts.iter().any(|other| !filters::grids(data, other).is_empty());
        if self.regularizer == Penalty::Smooth && grids.is_empty() {
            // a mask may leave a target nothing to smooth
            if others() {
                return Ok(Regularizer::None);
            }
            check_order(data)?;
        }
        let regularizer = self.regularizer(grids, groups);
        regularizer.check().map(|()| regularizer)
    }

    /// What to say about the groups that were chosen.
    pub(super) fn notice(&self, data: &Data) -> Option<String> {
        let by_feature = self.groups.as_deref().is_none_or(|own| own == Path::new("feature"));
        // arrays have no features that were typed
        if self.regularizer != Penalty::GroupLasso || !by_feature || !data.features.is_empty() {
            return None;
        }
        let n: usize = data.labels.iter().map(Vec::len).sum();
        Some(format!(
            "the {n} columns of an array are one feature, so that they vanish together or not at all; --groups FILE.csv makes \
             groups of them, --groups channel one of each"
        ))
    }

    fn regularizer(&self, grids: Vec<Grid>, groups: Groups) -> Regularizer {
        // of several, what a cross-validation multiplies by each
        let strength = self.strength.as_ref().map_or(0.0, |own| own.single().unwrap_or(1.0));
        match self.regularizer {
            Penalty::None => Regularizer::None,
            Penalty::Ridge => Regularizer::Ridge { strength: strength.into() },
            Penalty::Lasso => Regularizer::Lasso { strength: strength.into() },
            Penalty::ElasticNet => {
                Regularizer::ElasticNet { strength: strength.into(), ratio: self.ratio.unwrap_or(0.5) }
            }
            Penalty::GroupLasso => Regularizer::GroupLasso { strength: strength.into(), groups },
            Penalty::Smooth => Regularizer::Smooth { strength, order: ORDER, grids },
        }
    }

    /// Whether there is a penalty.
    pub(super) fn is_some(&self) -> bool {
        self.regularizer != Penalty::None
    }

    fn name(&self) -> &'static str {
        self.regularizer(Vec::new(), Groups::Features).name()
    }

    /// The options as they would be typed.
    pub(super) fn words(&self) -> Vec<(&'static str, String)> {
        let mut words = Vec::new();
        if self.regularizer != Penalty::None {
            words.push(("--regularizer", self.name().into()));
        }
        words.extend(self.strength.as_ref().map(|own| ("--strength", own.text().into())));
        words.extend(self.ratio.map(|ratio| ("--ratio", ratio.to_string())));
        words.extend(self.groups.as_ref().map(|groups| ("--groups", groups.display().to_string())));
        words
    }
}

/// Names a feature whose basis has functions that are no neighbours.
fn check_order(data: &Data) -> Result<()> {
    let is_unordered = |feature: &&StudyFeature| {
        let mut bases = feature.spec.terms().filter_map(Term::basis);
        bases.any(|basis| basis.neighbours() == Neighbours::None && basis.n_functions() > 1)
    };
    match data.features.iter().find(is_unordered) {
        None => Ok(()),
        Some(feature) => Err(Error::argument(
            "smooth",
            "a feature with a basis whose functions have an order, as bspline(10) has",
            format!("{}, whose functions are no neighbours of one another", feature.text),
            "use ridge, or bspline, cyclic-bspline, raised-cosine-linear, raised-cosine-log or history",
        )),
    }
}

/// Groups of columns from a file with the columns `column` and `group`, of those that some targets see; columns that it does not
/// name are in none.
fn groups_of_file(path: &Path, labels: &[&String], all: &[&String]) -> Result<Vec<Vec<usize>>> {
    let help = "write a table with the columns `column` and `group`, one row for each column of the fit";
    let unreadable = |error: csv::Error| {
        let told = format!("cannot be read: {error}");
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Error::io(path, error),
            _ => Error::object(path, "table", told, help),
        }
    };
    let bytes = regular::bytes(path, "a csv file", help, regular::MOST_TABLE_BYTES)?;
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let header = reader.headers().map_err(unreadable)?.clone();
    let place = |name: &str| {
        header.iter().position(|own| own == name).ok_or_else(|| {
            let problem =
                format!("expected a column `{name}`, found {}", header.iter().collect::<Vec<_>>().join(", "));
            Error::object(path, "row 1", problem, help)
        })
    };
    let [column, group] = [place("column")?, place("group")?];
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(unreadable)?;
        let [column, group] = [column, group].map(|place| record.get(place).unwrap_or_default());
        let Some(number) = labels.iter().position(|label| label.as_str() == column) else {
            if all.iter().any(|label| label.as_str() == column) {
                // these targets do not see it
                continue;
            }
            return Err(Error::Unknown {
                kind: "column",
                name: column.into(),
                place: format!("{}, row {}", path.display(), row + 2),
                present: all.iter().map(|label| (*label).clone()).collect(),
            });
        };
        groups.entry(group.into()).or_default().push(number);
    }
    Ok(groups.into_values().collect())
}
