//! What a fit was: the study that its model remembers, and the command with everything that decides the result.

use super::args::FitArgs;
use super::arrays::Format;
use super::data::Data;
use super::shell::option_words;
use crate::backend::Model;
use crate::glm::Dispersion;
use crate::observation::{CATEGORICAL, LOG_SOFTMAX, Observe};
use crate::write::model::{ArraysStudy, RecordingStudy, Study};

/// The study of a fit to these data.
pub(super) fn study(args: &FitArgs, data: &Data) -> Study {
    let input = data.input.clone();
    if let Some(format) = Format::of(&args.data) {
        let x = format.feature_name(&args.data);
        let y = args.data.y.clone().unwrap_or_else(|| "y".into());
        return Study::Arrays(ArraysStudy { input, x, y, row_terms: data.row_terms.names.clone() });
    }
    Study::Recording(RecordingStudy {
        input,
        selectors: args.data.epochs.clone(),
        epoch: args.data.epoch,
        epochs_s: data.epochs_s.clone(),
        bin_s: data.bin_s,
        detect_spikes: args.data.detect_spikes.clone(),
        features: data.features.clone(),
        row_terms: data.row_terms.names.clone(),
    })
}

/// The command with everything that decides the result.
pub(super) fn command_line(args: &FitArgs) -> String {
    let mut words = vec!["rheobase".into(), "fit".into()];
    words.extend(args.data.words());
    let mut add = |option: &str, value: String| words.extend(option_words(option, &value));
    args.bin.iter().for_each(|bin_s| add("--bin", format!("{bin_s}s")));
    args.feature.iter().for_each(|feature| add("--feature", feature.clone()));
    args.test_epochs.iter().for_each(|tag| add("--test-epochs", tag.clone()));
    args.compare.iter().for_each(|model| add("--compare", model.display().to_string()));
    if args.model.no_intercept {
        words.push("--no-intercept".into());
    }
    let mut add = |option: &str, value: String| words.extend(option_words(option, &value));
    if args.model.is_categorical() {
        add("--observation", CATEGORICAL.into());
        add("--link", LOG_SOFTMAX.into());
    }
    if let Ok(model) = args.model.model()
        && model != Model::default()
    {
        add("--observation", model.observation.name().into());
        add("--link", model.inverse_link.name().into());
        match args.model.dispersion_from() {
            Dispersion::MaximumLikelihood => add("--dispersion", "ml".into()),
            Dispersion::OfModel => {
                model.observation.dispersion().iter().for_each(|d| add("--dispersion", d.to_string()));
            }
        }
    }
    args.test_against.iter().for_each(|model| add("--test-against", model.display().to_string()));
    args.true_couplings.iter().for_each(|path| add("--true-couplings", path.display().to_string()));
    args.mask.iter().for_each(|path| add("--mask", path.display().to_string()));
    args.penalty.words().into_iter().chain(args.cv.words()).for_each(|(option, value)| add(option, value));
    add("--solver", format!("{:?}", args.solver).to_lowercase());
    args.plan.iter().for_each(|file| add("--plan", file.display().to_string()));
    args.cost_constants.iter().for_each(|file| add("--cost-constants", file.display().to_string()));
    add("--standard-errors", format!("{:?}", args.standard_errors).to_lowercase());
    add("--precision", format!("{:?}", args.common.precision).to_lowercase());
    args.tolerance.iter().for_each(|tolerance| add("--tolerance", tolerance.to_string()));
    args.max_iterations.iter().for_each(|n| add("--max-iterations", n.to_string()));
    args.time_limit.iter().for_each(|limit| add("--time-limit", format!("{limit}s")));
    words.join(" ")
}
