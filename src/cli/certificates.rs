//! What was fitted as one, with the proof of its optimum: a target, or all classes of one.

use super::data::Data;
use super::fit::Fitting;
use super::fit_text;
use crate::glm::ClassFit;
use crate::report::{Certificate, TargetWords};

/// The certificates of a fit, one for each target, of classes one for each response.
pub(super) fn certificates(fitting: &Fitting) -> Vec<Certificate<'_>> {
    let fit = &fitting.model.fit;
    match &fitting.of_classes {
        Some(of_classes) => of_classes.model.fit.targets.iter().map(Certificate::of_classes).collect(),
        None => {
            let targets = fit.targets.iter().enumerate();
            targets.map(|(k, own)| Certificate::of(fit, own, fitting.data.n_events(k))).collect()
        }
    }
}

/// What there is to say about each of them.
pub(super) fn words(fitting: &Fitting) -> Vec<TargetWords> {
    let data = &fitting.data;
    match &fitting.of_classes {
        Some(of_classes) => {
            of_classes.model.fit.targets.iter().map(|own| of_classes_words(data, own)).collect()
        }
        None => (fitting.model.fit.targets.iter().enumerate())
            .map(|(k, target)| TargetWords {
                title: fit_text::title(data, target),
                verdict: fit_text::verdict(target).into(),
                remedy: fit_text::unfinished(target),
                n_events: data.n_events(k),
            })
            .collect(),
    }
}

fn of_classes_words(data: &Data, own: &ClassFit) -> TargetWords {
    TargetWords {
        title: data.title(&own.name),
        verdict: fit_text::verdict_of(own.status, 0.0).into(),
        remedy: fit_text::unfinished_of((own.status, own.iterations, own.loss_gap)),
        n_events: f64::NAN,
    }
}
