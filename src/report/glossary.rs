//! The words of the report, explained.

use maud::html;

use super::Report;
use super::page::Section;
use crate::observation::ObservationModel;

const WORDS: [(&str, &str); 11] = [
    (
        "Loss",
        "The negative log-likelihood per bin, averaged over the used bins, without the terms that the rate does not enter. \
         The fit minimises it, with the penalty added if there is one.",
    ),
    (
        "KKT residual",
        "The largest component of the gradient of the loss, relative to the magnitudes that it is the sum of, over centred \
         columns. At an exact optimum it is 0; rounding leaves about 1e−16.",
    ),
    (
        "Loss gap",
        "An estimate of how much the loss exceeds its minimum: half of the squared Newton decrement by the Hessian at the \
         reported point, or by the flat Gram matrix where the Hessian was not computed.",
    ),
    (
        "Converged",
        "The loss gap is at most the tolerance times the loss, and the KKT residual at most the square root of the \
         tolerance. Both are computed in double precision at the numbers that are reported.",
    ),
    (
        "Separated",
        "The likelihood rises for ever along a combination of features that lowers the rate of bins without events and \
         leaves that of all others. There is no finite estimate.",
    ),
    (
        "Condition",
        "The ratio of the largest to the smallest curvature of the loss over standardised columns. Above 1e8 single \
         coefficients mean little, though predictions may be good.",
    ),
    (
        "Rank, not determined",
        "How many columns are linearly independent. Of columns that repeat each other the answer of smallest norm is \
         given; they have no standard errors.",
    ),
    (
        "Pseudo-R²",
        "The part of the null model's misfit that the model explains. McFadden compares log-likelihoods, Cohen deviances. 0 is no \
         better than the null model, and less than 0 worse. Values of 0.2 to 0.4 are high for single spikes in short bins.",
    ),
    ("Bits per spike", "The gain of log-likelihood over the null model, per spike, in units of ln 2."),
    (
        "Kolmogorov-Smirnov plot",
        "If the model is right, time measured in expected spikes makes the intervals between spikes exponential. The plot \
         compares their distribution with that; a right model stays inside the band in 95 % of experiments.",
    ),
    (
        "Edge bins",
        "Bins whose window begins before their epoch. They are left out, because their past is not known.",
    ),
];

/// Words that mean something else of other models than Poisson's; those that are not here and not there are left out.
const OF_GAUSSIAN: [(&str, &str); 3] = [
    (
        "Pseudo-R²",
        "The part of the null model's misfit that the model explains. McFadden compares log-likelihoods at the variance of the \
         noise, Cohen sums of squares, as the usual R² does. 0 is no better than the null model, and less than 0 worse.",
    ),
    ("Loss", "The mean over the used bins of (response - prediction)². The fit minimises it."),
    (
        "Converged",
        "The loss gap is at most the tolerance times the variance of the response, and the KKT residual at most the square \
         root of the tolerance. Both are computed in double precision at the numbers that are reported.",
    ),
];
const OF_GAMMA: [(&str, &str); 3] = [
    (
        "Pseudo-R²",
        "The part of the null model's misfit that the model explains. McFadden compares log-likelihoods at the estimated scale, \
         Cohen deviances at scale 1. 0 is no better than the null model, and less than 0 worse.",
    ),
    (
        "Loss",
        "The mean over the used bins of response / prediction + ln(prediction): the negative log-likelihood at scale 1 but for \
         terms free of the prediction. The fit minimises it.",
    ),
    (
        "Converged",
        "The loss gap is at most the tolerance times the loss or the mean deviance of the null model, and the KKT residual at \
         most the square root of the tolerance. Both are computed in double precision at the numbers that are reported.",
    ),
];
const OF_BERNOULLI: [(&str, &str); 2] = [
    ("Loss", "The negative log-likelihood per bin, averaged over the used bins. The fit minimises it."),
    (
        "Separated",
        "A combination of features tells bins with an event from bins without by a threshold, so the likelihood rises for \
         ever along it. There is no finite estimate.",
    ),
];

const OF_CLASSES: [(&str, &str); 4] = [
    (
        "Loss",
        "The mean over the used bins of −ln P(label). The fit minimises it, with the penalty added if there is one.",
    ),
    (
        "Converged",
        "The loss gap is at most the tolerance times the loss, or that of the null model where it is larger, and \
         the KKT residual at most the square root of the tolerance. Both are computed in double precision at the numbers that are \
         reported.",
    ),
    (
        "Separated",
        "A combination of features tells bins of one class from those of others by a threshold, so the likelihood rises for ever \
         along it. There is no finite estimate.",
    ),
    (
        "Pseudo-R²",
        "The part of the null model's misfit that the model explains. McFadden compares log-likelihoods, Cohen deviances, which is \
         the same here. 0 is no better than the null model, and less than 0 worse.",
    ),
];
const MORE_OF_CLASSES: [(&str, &str); 2] = [
    (
        "Accuracy",
        "The part of the used bins whose most probable class, the first of equals, is their label; a bin counts once, whatever its \
         weight. Where one class is frequent it says little.",
    ),
    (
        "Calibration",
        "Probabilities are calibrated if of the bins to which a class is given the probability p the part p is of it, of their weight \
         where bins have weights.",
    ),
];

/// The words of a report of this model.
fn words(report: &Report) -> Vec<(&'static str, String)> {
    let (own, left_out): (&[_], &[&str]) = match report.fit.model.observation {
        _ if report.is_of_classes() => (&OF_CLASSES, &["Bits per spike", "Kolmogorov-Smirnov plot"]),
        ObservationModel::Poisson => (&[], &[]),
        ObservationModel::Gaussian => {
            (&OF_GAUSSIAN, &["Separated", "Bits per spike", "Kolmogorov-Smirnov plot"])
        }
        ObservationModel::Bernoulli => (&OF_BERNOULLI, &["Kolmogorov-Smirnov plot"]),
        ObservationModel::Gamma => (&OF_GAMMA, &["Separated", "Bits per spike", "Kolmogorov-Smirnov plot"]),
        ObservationModel::NegativeBinomial(_) => (&[], &["Kolmogorov-Smirnov plot"]),
    };
    let shown = WORDS.into_iter().filter(|(word, _)| !left_out.contains(word));
    let more = if report.is_of_classes() { &MORE_OF_CLASSES[..] } else { &[] };
    let null_model = format!("A model without features, which {}.", report.null_model());
    shown
        .map(|(word, meaning)| own.iter().copied().find(|own| own.0 == word).unwrap_or((word, meaning)))
        .chain(more.iter().copied())
        .map(|(word, meaning)| (word, meaning.to_string()))
        .chain([("Null model", null_model)])
        .collect()
}

pub(super) fn section(report: &Report) -> Section {
    let body = html! {
        details {
            summary { "What the words mean" }
            dl.glossary {
                @for (word, meaning) in words(report) { dt { (word) } dd { (meaning) } }
            }
        }
    };
    Section { id: "glossary", title: "Glossary", body }
}
