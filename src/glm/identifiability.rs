//! What data cannot tell apart: columns that are combinations of others, the intercept's column of ones among these if there is one.
//!
//! Columns are taken in their order. One that the earlier ones and the intercept make up is *dependent*,
//!
//! ```text
//! x_d = constant + sum_k c_k x_k
//! ```
//!
//! and the rest are a basis of all that the design can say. With `a` more for the coefficient of `x_d`, `a c_k` less for those of
//! `x_k` and `a constant` less for the intercept no prediction changes: these directions, one for each dependent column, are a
//! basis of the null space of the design. Which columns are called dependent follows from their order; their number, the span and the
//! null space do not.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::fit::Fit;
use super::rank::{ALIASED, Rank, TAKES_PART};
use crate::design::{DesignPlan, FeatureColumns};
use crate::math::dense::{Matrix, eigenvalues};
use crate::number;
use crate::objective::Penalty;

/// A direction costs something if its penalty is more than this part of that of the dearest.
const COSTS: f64 = 1e-12;
/// A cost that is this part of what a direction of its length could cost at most is rounding.
const NOTHING: f64 = 1e-22;
/// Most columns that an equation names one by one.
const MOST_NAMES: usize = 8;
/// Coefficients as near as this are written as one, and significant digits are not more than this.
const ALIKE: f64 = 1e-6;
/// A sum is 0 if it is this part of what it is the sum of.
const ROUNDING: f64 = 1e-13;

/// What decides the coefficients where the data do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeterminedBy {
    /// Of all optima the one of smallest norm is given.
    SmallestNorm,
    /// The dependent column is left out, coefficient 0: it is not exactly the combination, but too near to it.
    LeavingOut,
    /// The penalty alone.
    Penalty,
    /// A penalty with kinks alone, which may leave more than one optimum; one of them is given.
    Kinks,
}

/// A column and its factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Name of the column.
    pub column: String,
    /// The feature that it belongs to.
    pub feature: String,
    /// Its factor, in the units of the two columns.
    #[serde(with = "number")]
    pub coefficient: f64,
}

/// One column and what makes it up: `column = constant + sum_k coefficient_k column_k` in every used bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// Name of the column.
    pub column: String,
    /// The feature that it belongs to.
    pub feature: String,
    /// Factor of the intercept's column of ones.
    #[serde(with = "number")]
    pub constant: f64,
    /// The other columns; none for a column that never changes.
    pub columns: Vec<Part>,
    /// Whether it holds to rounding; else to 1e-7 of what is added up.
    pub is_exact: bool,
    /// What decides along this direction.
    pub determined_by: DeterminedBy,
    /// The targets whose design has it; empty if all have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

/// What the data of a fit determine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identifiability {
    /// Columns that are independent of each other and of the intercept; of targets with different designs the most.
    pub rank: usize,
    /// Columns, the intercept not counted.
    pub n_columns: usize,
    /// Whether the intercept's column of ones is one of those that make others up.
    #[serde(default)]
    pub has_intercept: bool,
    /// Directions of the null space along which a penalty decides; along the others none does.
    pub n_by_penalty: usize,
    /// The dependent columns, in their order.
    pub dependences: Vec<Dependence>,
}

impl Identifiability {
    /// What `rank`, that of the data alone, leaves to `penalty`.
    pub(super) fn new(plan: &DesignPlan, varying: &[usize], rank: &Rank, penalty: &Penalty) -> Self {
        let (layout, scaling) = (plan.layout(), plan.scaling());
        let feature = |column: usize| {
            let own = layout.features.iter().find(|own| (own.columns[0]..own.columns[1]).contains(&column));
            own.map_or(String::new(), |own| own.name.clone())
        };
        let directions: Vec<Vec<f64>> = (rank.relations.iter())
            .map(|own| {
                std::iter::once(0.0).chain(varying.iter().map(|&column| own.factors[column])).collect()
            })
            .collect();
        let costs = Matrix::from_shape_fn((directions.len(), directions.len()), |(i, j)| {
            penalty.product(&directions[i], &directions[j])
        });
        let dearest = costs.diag().iter().fold(0.0, |a: f64, b| a.max(*b));
        let stiffest = if directions.is_empty() { 0.0 } else { stiffest(penalty, 1 + varying.len()) };
        // of a direction that costs nothing rounding is left
        let is_dear = |k: usize| {
            let square: f64 = directions[k].iter().map(|v| v * v).sum();
            costs[(k, k)] > NOTHING * stiffest * square
        };
        let has_kinks = |direction: &[f64]| penalty.kinks().value(direction) > 0.0;
        let by = |k: usize, exact: bool| {
            if is_dear(k) {
                DeterminedBy::Penalty
            } else if has_kinks(&directions[k]) {
                DeterminedBy::Kinks
            } else if exact || !penalty.is_none() {
                DeterminedBy::SmallestNorm
            } else {
                DeterminedBy::LeavingOut
            }
        };
        let count = |own: Vec<f64>| own.iter().filter(|e| **e > COSTS * dearest).count();
        let n_dear =
            if (0..directions.len()).any(is_dear) { eigenvalues(&costs).map_or(0, count) } else { 0 };
        let is_kinked = |k: &usize| has_kinks(&directions[*k]) && !is_dear(*k);
        let n_kinked = (0..directions.len()).filter(is_kinked).count();
        let mut dependences: Vec<(usize, Dependence)> = Vec::with_capacity(directions.len());
        for (k, relation) in rank.relations.iter().enumerate() {
            let (own, factors) = (relation.column, &relation.factors);
            let unit = |column: usize| if scaling.sd[column] > 0.0 { scaling.sd[column] } else { 1.0 };
            let largest = factors.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            let others = (0..factors.len()).filter(|&j| j != own && factors[j].abs() > TAKES_PART * largest);
            let (mut constant, mut columns) = (scaling.mean[own], Vec::new());
            let mut size = constant.abs();
            for j in others {
                let coefficient = -factors[j] * unit(own) / unit(j);
                constant -= coefficient * scaling.mean[j];
                size += (coefficient * scaling.mean[j]).abs();
                columns.push(Part { column: layout.labels[j].clone(), feature: feature(j), coefficient });
            }
            // what is left of means that cancel is rounding, or the part to which the equation does not hold
            let nothing = if relation.exact { ROUNDING } else { ALIASED };
            if !columns.is_empty() && constant.abs() <= nothing * size {
                constant = 0.0;
            }
            dependences.push((
                own,
                Dependence {
                    column: layout.labels[own].clone(),
                    feature: feature(own),
                    constant,
                    columns,
                    is_exact: relation.exact,
                    determined_by: by(k, relation.exact),
                    targets: Vec::new(),
                },
            ));
        }
        dependences.sort_by_key(|(column, _)| *column);
        Self {
            rank: plan.n_columns() - dependences.len(),
            n_columns: plan.n_columns(),
            has_intercept: plan.has_intercept(),
            n_by_penalty: n_dear + n_kinked,
            dependences: dependences.into_iter().map(|(_, own)| own).collect(),
        }
    }
}

impl Fit<'_, '_, '_> {
    /// What the data of a fit without a penalty determine; with one it has not been looked for.
    pub(super) fn identifiability(&self) -> Option<Identifiability> {
        let found = || Identifiability::new(self.plan, &self.varying, &self.rank, &self.penalty);
        self.penalty.is_none().then(found)
    }
}

impl Identifiability {
    /// Whether the data determine every coefficient.
    pub fn is_whole(&self) -> bool {
        self.dependences.is_empty()
    }

    /// What is known of fits whose targets have columns of their own, of `n_columns` in all: each dependence once, with the names of
    /// the targets that have it unless all do.
    pub fn join<'a>(parts: impl IntoIterator<Item = (&'a Self, Vec<String>)>, n_columns: usize) -> Self {
        let mut joined = Self { n_columns, ..Self::default() };
        let mut n_targets = 0;
        for (part, targets) in parts {
            n_targets += targets.len();
            joined.rank = joined.rank.max(part.rank);
            joined.has_intercept = part.has_intercept;
            joined.n_by_penalty = joined.n_by_penalty.max(part.n_by_penalty);
            for own in &part.dependences {
                // columns that other targets use in other bins have other means
                let same =
                    |other: &&mut Dependence| Dependence { targets: Vec::new(), ..(**other).clone() } == *own;
                match joined.dependences.iter_mut().find(same) {
                    Some(other) => other.targets.extend(targets.iter().cloned()),
                    None => joined.dependences.push(Dependence { targets: targets.clone(), ..own.clone() }),
                }
            }
        }
        let all = |own: &&mut Dependence| own.targets.len() == n_targets;
        joined.dependences.iter_mut().filter(all).for_each(|own| own.targets.clear());
        joined
    }

    /// The sentence that says how many directions the data leave open, and what decides there; empty if there is none.
    pub fn summary(&self) -> String {
        if self.dependences.iter().any(|own| !own.targets.is_empty()) {
            return self.summary_of_targets();
        }
        let n = self.dependences.len();
        let all = |by: DeterminedBy| self.dependences.iter().all(|own| own.determined_by == by);
        let decides = if n == 0 {
            return String::new();
        } else if all(DeterminedBy::Kinks) {
            "the penalty alone decides there, and one of its optima is given".into()
        } else if self.n_by_penalty >= n {
            "the penalty alone decides there".into()
        } else if self.n_by_penalty > 0 {
            format!(
                "the penalty alone decides along {}, along the other {} the answer of smallest norm is given",
                self.n_by_penalty,
                n - self.n_by_penalty
            )
        } else if all(DeterminedBy::LeavingOut) {
            "the columns on the left are left out".into()
        } else if self.dependences.iter().any(|own| own.determined_by == DeterminedBy::LeavingOut) {
            "the answer of smallest norm is given, and columns that are nearly others are left out".into()
        } else {
            "the answer of smallest norm is given".into()
        };
        let n_independent = self.rank;
        let directions = if n == 1 { "1 direction".into() } else { format!("{n} directions") };
        format!(
            "the data do not determine {directions}: {n_independent} of {} columns are independent of one another{}; {decides}",
            self.n_columns,
            if self.has_intercept { " and of the intercept" } else { "" }
        )
    }
}

impl Identifiability {
    /// The same of targets with designs of their own.
    fn summary_of_targets(&self) -> String {
        let mut of_target: BTreeMap<&str, usize> = BTreeMap::new();
        let for_all = self.dependences.iter().filter(|own| own.targets.is_empty()).count();
        for target in self.dependences.iter().flat_map(|own| &own.targets) {
            *of_target.entry(target).or_insert(for_all) += 1;
        }
        let most = of_target.values().copied().max().unwrap_or(for_all);
        let (n, others) = (of_target.len(), if for_all > 0 { ", and fewer of the others" } else { "" });
        format!(
            "the data do not determine up to {most} directions for {n} of the targets{others}: the equations name them, and `determined_by` \
             in fit.json says what decides along each"
        )
    }
}

impl Dependence {
    /// The equation in few digits: `position.5 = 1 - position.1 - position.2`. All other columns of one of these `features` with the same
    /// factor are named together.
    pub fn equation(&self, features: &[FeatureColumns]) -> String {
        let mut terms: Vec<(f64, String)> = Vec::new();
        let mut rest = &self.columns[..];
        while let Some(first) = rest.first() {
            let n = rest.iter().take_while(|part| part.feature == first.feature).count();
            let (own, later) = rest.split_at(n);
            let n_all = features.iter().find(|own| own.name == first.feature);
            let n_all = n_all.map_or(0, |own| own.columns[1] - own.columns[0]);
            let n_others = n_all - usize::from(first.feature == self.feature && n_all > 0);
            let alike = |part: &Part| (part.coefficient / first.coefficient - 1.0).abs() < ALIKE;
            if n > 2 && n == n_others && own.iter().all(alike) {
                let others = if n < n_all { "other " } else { "" };
                terms.push((first.coefficient, format!("(the {others}{n} columns of {})", first.feature)));
            } else {
                terms.extend(own.iter().map(|part| (part.coefficient, part.column.clone())));
            }
            rest = later;
        }
        let mut text = format!("{} {} ", self.column, if self.is_exact { "=" } else { "is nearly" });
        // writing to a string cannot fail
        let begins = self.constant != 0.0 || terms.is_empty();
        if begins {
            text.push_str(&digits(self.constant));
        }
        for (k, (factor, name)) in terms.iter().take(MOST_NAMES).enumerate() {
            text.push_str(match (k == 0 && !begins, *factor < 0.0) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            });
            if (factor.abs() - 1.0).abs() >= ALIKE {
                let _ = write!(text, "{} ", digits(factor.abs()));
            }
            text.push_str(name);
        }
        if terms.len() > MOST_NAMES {
            let _ = write!(text, " and {} more", terms.len() - MOST_NAMES);
        }
        match self.targets.len() {
            0 => {}
            1 => drop(write!(text, " (of {})", self.targets[0])),
            n => drop(write!(text, " (of {n} targets)")),
        }
        text
    }
}

/// The largest curvature of the smooth part of a penalty along one parameter.
fn stiffest(penalty: &Penalty, n_parameters: usize) -> f64 {
    let mut own = Matrix::zeros((n_parameters, n_parameters));
    penalty.add_to(&mut own, 1.0);
    own.diag().iter().fold(0.0, |a: f64, b| a.max(*b))
}

/// A number with at most six digits, without zeros at its end.
fn digits(x: f64) -> String {
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    if rounded != 0.0 && !(1e-4..1e7).contains(&rounded.abs()) {
        format!("{rounded:e}")
    } else {
        rounded.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(feature: &str, k: usize, coefficient: f64) -> Part {
        Part { column: format!("{feature}.{k}"), feature: feature.into(), coefficient }
    }

    fn dependence(constant: f64, columns: Vec<Part>) -> Dependence {
        Dependence {
            column: "place.5".into(),
            feature: "place".into(),
            constant,
            columns,
            is_exact: true,
            determined_by: DeterminedBy::SmallestNorm,
            targets: Vec::new(),
        }
    }

    #[test]
    fn an_equation_names_the_columns_of_a_feature_together() {
        let features = [
            FeatureColumns { name: "place".into(), columns: [0, 5] },
            FeatureColumns { name: "speed".into(), columns: [5, 8] },
        ];
        let others = |c: f64| (1..5).map(|k| part("place", k, c)).collect::<Vec<_>>();
        let text = |constant, columns| dependence(constant, columns).equation(&features);
        assert_eq!(text(1.0, others(-1.0 - 1e-12)), "place.5 = 1 - (the other 4 columns of place)");
        assert_eq!(text(0.0, others(0.25)), "place.5 = 0.25 (the other 4 columns of place)");
        assert_eq!(text(7.0, Vec::new()), "place.5 = 7");
        let mut some = others(-1.0);
        some[2].coefficient = 2e-9;
        assert_eq!(text(0.0, some), "place.5 = -place.1 - place.2 + 2e-9 place.3 - place.4");
        let speed = (1..4).map(|k| part("speed", k, 2.0)).collect();
        assert_eq!(text(0.0, speed), "place.5 = 2 (the 3 columns of speed)");
    }

    #[test]
    fn what_all_targets_have_names_none() {
        let own = |c| dependence(0.0, vec![part("place", 1, c)]);
        let of = |dependences: Vec<Dependence>| Identifiability {
            rank: 5 - dependences.len(),
            n_columns: 5,
            has_intercept: true,
            n_by_penalty: 0,
            dependences,
        };
        let [a, b] = [of(vec![own(1.0), own(2.0)]), of(vec![own(1.0)])];
        let joined = Identifiability::join([(&a, vec!["3".into()]), (&b, vec!["7".into()])], 6);
        assert_eq!((joined.rank, joined.n_columns, joined.dependences.len()), (4, 6, 2));
        assert_eq!(
            (joined.dependences[0].targets.len(), &joined.dependences[1].targets[..]),
            (0, &["3".to_string()][..])
        );
        assert!(joined.dependences[1].equation(&[]).ends_with("= 2 place.1 (of 3)"));
    }
}
