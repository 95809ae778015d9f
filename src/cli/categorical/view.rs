//! A fit to labels as tables, figures and the copy of a recording take any fit: every class of a target is a target of its own.
//!
//! Class `left` of the target `turn` is the target `turn=left`: its response is 1 in bins of the class, else 0, its expected value
//! the probability, its coefficients, errors and covariances are those of the class. So filters, surfaces, couplings, coefficients and
//! traces are made by the code that makes them of all other models, which takes a whole fit with its data; the other way, a trait of
//! what that code asks for, would have as many methods as a fit has fields. What belongs to the classes of a target together, status
//! and certificate, warnings, scores, the way to the optimum, is not taken from the view but from the fit itself ([`OfClasses`]),
//! and words that depend on the model ask whether targets are classes ([`Data::is_of_classes`]): observation model and link of
//! the view are those of events of a probability, which decide how numbers are handled and are never named.

use std::ops::Range;

use ndarray::{Array1, Array2};

use super::super::beside::Compared;
use super::super::data::{Data, Part};
use super::super::fit;
use super::super::score_rows::rows;
use super::applied::Probabilities;
use super::fit::{Fitting, scored};
use super::labels::Labels;
use crate::backend::Model;
use crate::figure::Effects;
use crate::glm::{ClassFit, Confusion, Covariance, FittedCategorical, FittedGlm, TargetFit};
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;
use crate::report::ScoreRow;
use crate::write::categorical::CategoricalFile;
use crate::write::model::ModelFile;

/// The classes of one response among the targets of a view.
#[derive(Clone, Debug)]
pub(in super::super) struct ClassTargets {
    /// The response: a unit, or a column.
    pub(in super::super) name: String,
    /// Its classes.
    pub(in super::super) targets: Range<usize>,
}

/// What belongs to all classes of a target together.
pub(in super::super) struct OfClasses {
    pub(in super::super) model: CategoricalFile,
    /// Labels and most probable classes in the bins that were fitted, one entry per target.
    pub(in super::super) confusions: Vec<Confusion>,
    /// The fit and the models beside it on the bins that were fitted and on others, a row for each target.
    pub(in super::super) scores: Vec<ScoreRow>,
    /// Other models: what figures call them, and the probability of every class in every bin.
    rivals: Vec<(String, Vec<Array1<f64>>)>,
    /// The labels of every bin as texts, one list per target.
    pub(super) labels: Vec<Vec<String>>,
    /// What tables call the probabilities of the classes, one list per target.
    pub(super) probability_names: Vec<Vec<String>>,
}

impl Data {
    /// Whether targets are classes of a response.
    pub(in super::super) fn is_of_classes(&self) -> bool {
        !self.classes.is_empty()
    }

    /// The responses: targets, or what targets are classes of.
    pub(in super::super) fn responses(&self) -> Vec<&String> {
        if self.is_of_classes() {
            self.classes.iter().map(|own| &own.name).collect()
        } else {
            self.names.iter().collect()
        }
    }

    /// The response of a target.
    pub(in super::super) fn response_name(&self, target: usize) -> &String {
        let own = self.classes.iter().find(|own| own.targets.contains(&target));
        own.map_or(&self.names[target], |own| &own.name)
    }
}

impl fit::Fitting {
    /// What effects of features add up to.
    pub(in super::super) fn effects(&self) -> Effects {
        match &self.of_classes {
            Some(of_classes) if of_classes.model.fit.regularizer.centres_classes() => Effects::OfClass,
            Some(_) => Effects::OfClassAndShift,
            None => self.model.fit.model.inverse_link.into(),
        }
    }

    /// What the fit and the models that it is compared with expect of every target in every bin, and what figures call them.
    pub(in super::super) fn predictions(&self) -> Vec<(&String, &Vec<Array1<f64>>)> {
        let own = std::iter::once((&self.name, &self.expected));
        let rivals = self.of_classes.iter().flat_map(|own| &own.rivals).map(|(name, all)| (name, all));
        own.chain(self.compared.iter().map(|own| (&own.name, &own.expected))).chain(rivals).collect()
    }

    /// The class that a target is; `None` of other models.
    pub(in super::super) fn class_of(&self, target: usize) -> Option<String> {
        let fits = &self.of_classes.as_ref()?.model.fit.targets;
        let (own, place) =
            fits.iter().zip(&self.data.classes).find(|(_, place)| place.targets.contains(&target))?;
        Some(own.classes[target - place.targets.start].to_string())
    }
}

/// The view of a fit, which takes its place.
pub(super) fn view(fitting: Fitting) -> fit::Fitting {
    let (score_rows, seconds_total) = (rows(&scored(&fitting)), fitting.seconds_total);
    let Fitting {
        name, data, model, labels, probabilities, scores, compared, tested, device, keeper, ..
    } = fitting;
    let texts = (0..data.names.len()).map(|target| labels.texts(&data, target)).collect();
    let y = responses(&data, &model.fit, &labels);
    let data = of_classes(data, &model.fit, y);
    let fit = fit_of_classes(&model.fit, &data);
    let study = model.study.clone();
    let expected = of_every_class(&probabilities);
    let probability_names = probabilities.into_iter().map(|own| own.names).collect();
    let of_rival = |own: Compared<CategoricalFile>| (own.name, of_every_class(&own.expected));
    let of_classes = OfClasses {
        model,
        confusions: scores.into_iter().map(|own| own.confusion).collect(),
        scores: score_rows,
        rivals: compared.into_iter().map(of_rival).collect(),
        labels: texts,
        probability_names,
    };
    fit::Fitting {
        name,
        data,
        model: ModelFile::new(study, fit),
        device,
        expected,
        compared: Vec::new(),
        held_out: Vec::new(),
        tested,
        truth: None,
        of_classes: Some(of_classes),
        seconds_total,
        keeper,
        stopped_by: None,
    }
}

/// The probability of every class of all targets in every bin.
fn of_every_class(all: &[Probabilities]) -> Vec<Array1<f64>> {
    let of_target = |own: &Probabilities| -> Vec<Array1<f64>> {
        own.logarithms.columns().into_iter().map(|column| column.mapv(f64::exp)).collect()
    };
    all.iter().flat_map(of_target).collect()
}

/// 1 in bins of each class, 0 in those of others, NaN in bins that are not used: shape (bins, classes of all targets).
fn responses(data: &Data, fit: &FittedCategorical, labels: &Labels) -> Array2<f64> {
    let n_columns = fit.targets.iter().map(ClassFit::n_classes).sum();
    let (mut y, mut first) = (Array2::from_elem((data.n_bins(), n_columns), f64::NAN), 0);
    for (target, own) in fit.targets.iter().enumerate() {
        // the classes of a fit are those of its used bins
        let response = labels.of(data, target);
        for &bin in data.used(target) {
            let Some(code) = response.code(bin) else { continue };
            for class in 0..own.n_classes() {
                y[(bin, first + class)] = f64::from(u8::from(class == code));
            }
        }
        first += own.n_classes();
    }
    y
}

/// The same data with a target for each class.
fn of_classes(data: Data, fit: &FittedCategorical, y: Array2<f64>) -> Data {
    let mut first = 0;
    let classes: Vec<ClassTargets> = fit
        .targets
        .iter()
        .map(|own| {
            let targets = first..first + own.n_classes();
            first = targets.end;
            ClassTargets { name: own.name.clone(), targets }
        })
        .collect();
    let names = fit.targets.iter().flat_map(|own| {
        own.classes.iter().map(|class| format!("{}={class}", own.name)).collect::<Vec<String>>()
    });
    let names = names.collect();
    let of_part = |part: Part| {
        let mut group = part.group;
        group.targets = group.targets.iter().flat_map(|&target| classes[target].targets.clone()).collect();
        Part { group, used: part.used }
    };
    let parts = data.parts.into_iter().map(of_part).collect();
    Data { names, y: y.into(), observation: ObservationModel::Bernoulli, parts, classes, ..data }
}

/// The fit with a target for each class.
fn fit_of_classes(fit: &FittedCategorical, data: &Data) -> FittedGlm {
    let targets = fit.targets.iter().zip(&data.classes).flat_map(|(own, place)| {
        let names = &data.names[place.targets.clone()];
        names.iter().enumerate().map(|(class, name)| of_class(own, class, name)).collect::<Vec<TargetFit>>()
    });
    FittedGlm {
        model: Model { observation: ObservationModel::Bernoulli, inverse_link: InverseLink::Logistic },
        regularizer: fit.regularizer.clone(),
        has_intercept: fit.has_intercept,
        has_offset: fit.has_offset,
        solver: fit.solver.clone(),
        tolerance: fit.tolerance,
        features: fit.features.clone(),
        labels: fit.labels.clone(),
        targets: targets.collect(),
        condition: fit.condition,
        rank: fit.rank,
        identifiability: fit.identifiability.clone(),
        inference_left_out: fit.inference_left_out.clone(),
        seconds: fit.seconds,
        plan: fit.plan.clone(),
    }
}

fn of_class(own: &ClassFit, class: usize, name: &str) -> TargetFit {
    let n_classes = own.n_classes();
    let covariance = |block: &crate::glm::ClassCovariance| Covariance {
        columns: block.columns.clone(),
        values: block.of_classes[class].clone(),
    };
    TargetFit {
        name: name.into(),
        status: own.status,
        coef: own.coef_of(class),
        intercept: own.intercept[class],
        standard_errors: own.standard_errors.chunks(n_classes).map(|row| row[class]).collect(),
        intercept_standard_error: own.intercept_standard_error[class],
        kkt_residual: own.kkt_residual,
        loss_gap: own.loss_gap,
        gap_from: own.gap_from,
        loss: own.loss,
        iterations: own.iterations,
        passes: own.passes,
        n_bins_used: own.n_bins_used,
        gap_scale: own.gap_scale,
        total_weight: own.total_weight,
        scale: 1.0,
        scale_standard_error: f64::NAN,
        dof_resid: own.dof_resid,
        n_parameters: own.n_parameters,
        strength: own.strength,
        cv: None,
        apart: None,
        scores: own.scores.clone(),
        aliased: own.aliased.clone(),
        warnings: own.warnings.clone(),
        // told once, of all classes
        history: Vec::new(),
        covariances: own.covariances.iter().map(covariance).collect(),
    }
}
