//! What stands beside a fit: other models on the same bins, and the fit on epochs that it has not seen.
//!
//! Two models are compared on the bins that both can predict, because one with a longer window has fewer.

use std::path::Path;

use ndarray::Array1;
use serde_json::{Map, Value, json};

use super::applied::Applied;
use super::args::{DataArgs, FitArgs};
use super::arrays::Format;
use super::data::Data;
use super::progress::Progress;
use super::result;
use crate::glm::{FittedGlm, Scores, score};
use crate::read::nwb;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile, Study};
use crate::{Error, Result};

/// Another model on the bins of a fit.
pub(super) struct Compared {
    /// What tables and figures call it.
    pub(super) name: String,
    /// Its file.
    pub(super) input: Input,
    /// Expected counts of every bin, one entry per target; NaN where its features are unknown.
    pub(super) expected: Vec<Array1<f64>>,
    /// Bins that this model and the fit both have, for each target.
    pub(super) n_bins: Vec<usize>,
    /// Events in these bins.
    pub(super) n_events: Vec<f64>,
    /// Scores of each target on these bins.
    pub(super) scores: Vec<Scores>,
    /// Scores of the fit on the same bins, to compare with.
    pub(super) scores_of_fit: Vec<Scores>,
}

/// The fit on epochs that it has not seen.
pub(super) struct HeldOut {
    /// The epochs as asked for: `Noise 2`.
    pub(super) selector: String,
    /// The responses and features of these epochs.
    pub(super) data: Data,
    /// Scores of each target over its used bins.
    pub(super) scores: Vec<Scores>,
    /// The other models on these epochs, in the order of [`super::fit::Fitting::compared`].
    pub(super) compared: Vec<Compared>,
}

/// A model file that a fit is compared with.
struct Rival {
    name: String,
    input: Input,
    model: ModelFile,
}

/// What was asked for beside a fit, checked before anything is fitted.
pub(super) struct Beside {
    rivals: Vec<Rival>,
    choice: DataArgs,
    test_epochs: Vec<String>,
    limit_bytes: Option<u64>,
}

impl Beside {
    /// Loads the other models and looks the held-out epochs up.
    ///
    /// # Errors
    /// [`Error::Argument`] for held-out epochs of arrays and for a model with bins of another width;
    /// [`Error::Unknown`] for epochs that are not there; whatever loading a model returns.
    pub(super) fn check(args: &FitArgs, limit_bytes: Option<u64>) -> Result<Self> {
        let rivals: Vec<Rival> = args.compare.iter().map(|path| rival(path)).collect::<Result<_>>()?;
        for rival in &rivals {
            rival.check_bin(args.bin)?;
        }
        if !args.test_epochs.is_empty() {
            if Format::of(&args.data).is_some() {
                let found = args.data.data.display().to_string();
                let help = "keep the test rows in a file of their own and use `rheobase score`";
                return Err(Error::argument("--test-epochs", "an NWB file", found, help));
            }
            let file = nwb::open(&args.data.data)?;
            for selector in &args.test_epochs {
                file.epochs(selector)?;
            }
        }
        let choice = args.data.clone();
        Ok(Self { rivals, choice, test_epochs: args.test_epochs.clone(), limit_bytes })
    }

    /// The other models on the bins of the fit.
    pub(super) fn compare(
        &self,
        model: &ModelFile,
        data: &Data,
        progress: &Progress,
    ) -> Result<Vec<Compared>> {
        if self.rivals.is_empty() {
            return Ok(Vec::new());
        }
        let expected = data.expected(&model.fit);
        self.rivals
            .iter()
            .map(|rival| self.against(rival, &self.choice, model, data, &expected, progress))
            .collect()
    }

    /// The fit and the other models on each of the held-out sets of epochs, without what was fitted.
    pub(super) fn hold_out(
        &self,
        model: &ModelFile,
        data: &Data,
        progress: &Progress,
    ) -> Result<Vec<HeldOut>> {
        let of_selector = |selector: &String| -> Result<HeldOut> {
            let mut choice = self.choice.clone();
            choice.epochs = vec![selector.clone()];
            choice.epoch = None;
            choice.except_s.clone_from(&data.epochs_s);
            let Applied { data, expected, .. } =
                Applied::new(model.clone(), &choice, self.limit_bytes, progress)?;
            let compared = self.rivals.iter();
            let compared =
                compared.map(|rival| self.against(rival, &choice, model, &data, &expected, progress));
            let compared = compared.collect::<Result<_>>()?;
            let scores = (0..data.names.len())
                .map(|target| scored(&model.fit, &data, target, data.used(target), &expected[target]))
                .collect();
            Ok(HeldOut { selector: selector.clone(), data, scores, compared })
        };
        self.test_epochs.iter().map(of_selector).collect()
    }

    fn against(
        &self,
        rival: &Rival,
        choice: &DataArgs,
        model: &ModelFile,
        data: &Data,
        expected_by_fit: &[Array1<f64>],
        progress: &Progress,
    ) -> Result<Compared> {
        let mut choice = choice.clone();
        if matches!(model.study, Study::Recording(_)) {
            choice.unit.clone_from(&data.names);
        }
        let applied = Applied::new(rival.model.clone(), &choice, self.limit_bytes, progress)?;
        if applied.data.n_bins() != data.n_bins() {
            return Err(Error::Length {
                what: format!("bins of {}", rival.input.path.display()),
                expected: data.n_bins(),
                found: applied.data.n_bins(),
            });
        }
        let (mut n_bins, mut n_events) = (Vec::new(), Vec::new());
        let (mut scores, mut scores_of_fit) = (Vec::new(), Vec::new());
        for (target, expected) in expected_by_fit.iter().enumerate() {
            let theirs = applied.data.used(target);
            let shared: Vec<usize> =
                data.used(target).iter().copied().filter(|bin| theirs.binary_search(bin).is_ok()).collect();
            n_bins.push(shared.len());
            n_events.push(shared.iter().map(|&bin| data.y[(bin, target)]).sum());
            scores.push(scored(&rival.model.fit, data, target, &shared, &applied.expected[target]));
            scores_of_fit.push(scored(&model.fit, data, target, &shared, expected));
        }
        Ok(Compared {
            name: rival.name.clone(),
            input: rival.input.clone(),
            expected: applied.expected,
            n_bins,
            n_events,
            scores,
            scores_of_fit,
        })
    }
}

fn rival(path: &Path) -> Result<Rival> {
    let model = ModelFile::load(path)?;
    let folder = path.parent().and_then(Path::file_name);
    let name = folder.or(path.file_stem()).map_or(String::new(), |name| name.to_string_lossy().into_owned());
    Ok(Rival { name, input: Input { path: path.into(), sha256: digest_file(path)? }, model })
}

impl Rival {
    fn check_bin(&self, bin_s: Option<f64>) -> Result<()> {
        match (&self.model.study, bin_s) {
            (Study::Recording(study), Some(bin_s)) if (study.bin_s / bin_s - 1.0).abs() > 1e-9 => {
                Err(Error::argument(
                    "--compare",
                    format!("a model with bins of {} ms", bin_s * 1e3),
                    format!("{} with bins of {} ms", self.input.path.display(), study.bin_s * 1e3),
                    "fit both with the same --bin",
                ))
            }
            _ => Ok(()),
        }
    }
}

fn scored(fit: &FittedGlm, data: &Data, target: usize, bins: &[usize], expected: &Array1<f64>) -> Scores {
    let y: Vec<f64> = bins.iter().map(|&bin| data.y[(bin, target)]).collect();
    let mu: Vec<f64> = bins.iter().map(|&bin| expected[bin]).collect();
    score(fit.model, &y, &mu)
}

/// The other models in a result.
pub(super) fn compared_json(compared: &[Compared], data: &Data) -> Value {
    let of_model = |other: &Compared| {
        let of_target = |(k, name): (usize, &String)| {
            let mut fields = target_fields(name, other.n_bins[k], &other.scores[k]);
            fields.insert("scores_of_fit".into(), json!(other.scores_of_fit[k]));
            Value::Object(fields)
        };
        let targets: Vec<Value> = data.names.iter().enumerate().map(of_target).collect();
        json!({ "name": other.name, "model": other.input, "targets": targets })
    };
    compared.iter().map(of_model).collect()
}

/// The held-out epochs in a result.
pub(super) fn held_out_json(held_out: &[HeldOut]) -> Value {
    let of_set = |set: &HeldOut| {
        let mut fields = Map::new();
        fields.insert("epochs".into(), set.selector.clone().into());
        fields.insert("epochs_s".into(), json!(set.data.epochs_s));
        result::bins(&set.data, &mut |name, value| drop(fields.insert(name.into(), value)));
        let of_target = |(k, name): (usize, &String)| {
            let mut fields = target_fields(name, set.data.used(k).len(), &set.scores[k]);
            fields.insert("n_events".into(), set.data.n_events(k).into());
            Value::Object(fields)
        };
        fields.insert("targets".into(), set.data.names.iter().enumerate().map(of_target).collect());
        fields.insert("compared".into(), compared_json(&set.compared, &set.data));
        fields.insert("notices".into(), json!(set.data.notices));
        Value::Object(fields)
    };
    held_out.iter().map(of_set).collect()
}

fn target_fields(name: &str, n_bins_used: usize, scores: &Scores) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("name".into(), name.into());
    fields.insert("n_bins_used".into(), n_bins_used.into());
    if let Value::Object(scores) = json!(scores) {
        fields.extend(scores);
    }
    fields
}
