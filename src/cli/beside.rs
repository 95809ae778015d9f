//! What stands beside a fit: other models on the same bins, and the fit on epochs that it has not seen.
//!
//! Two models are compared on the bins that both can predict, because one with a longer window has fewer.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::args::{DataArgs, FitArgs};
use super::arrays::Format;
use super::comparable::{Comparable, Observed, OnBins};
use super::data::{Data, Targets, recording};
use super::progress::Progress;
use super::result;
use crate::read::nwb;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile, Study};
use crate::{Error, Result};

/// Another model on the bins of a fit.
pub(super) struct Compared<M: Comparable = ModelFile> {
    /// What tables and figures call it.
    pub(super) name: String,
    /// Its file.
    pub(super) input: Input,
    /// What it says itself.
    pub(super) model: M,
    /// What it expects in every bin, one entry per target; NaN where its features are unknown.
    pub(super) expected: Vec<M::Prediction>,
    /// Bins that this model and the fit both have, for each target.
    pub(super) n_bins: Vec<usize>,
    /// Events in these bins.
    pub(super) n_events: Vec<f64>,
    /// Scores of each target on these bins.
    pub(super) scores: Vec<M::Scores>,
    /// Scores of the fit on the same bins, to compare with.
    pub(super) scores_of_fit: Vec<M::Scores>,
}

/// The fit on epochs that it has not seen.
pub(super) struct HeldOut<M: Comparable = ModelFile> {
    /// The epochs as asked for: `Noise 2`.
    pub(super) selector: String,
    /// The responses and features of these epochs.
    pub(super) data: Data,
    /// Scores of each target over its used bins.
    pub(super) scores: Vec<M::Scores>,
    /// The other models on these epochs, in the order of [`super::fit::Fitting::compared`].
    pub(super) compared: Vec<Compared<M>>,
}

/// The other models on the bins of the fit, and the held-out epochs.
type Scored<M> = (Vec<Compared<M>>, Vec<HeldOut<M>>);

impl<M: Comparable> HeldOut<M> {
    /// What is to be said of these epochs and not of those of the fit.
    pub(super) fn own_notices(&self, fitted: &Data) -> impl Iterator<Item = String> {
        let own = self.data.notices.iter().filter(|notice| !fitted.notices.contains(notice));
        own.map(|notice| format!("--test-epochs '{}': {notice}", self.selector))
    }
}

/// A model file that a fit is compared with.
struct Rival<M> {
    /// As it was typed.
    path: PathBuf,
    name: String,
    input: Input,
    model: M,
}

/// What was asked for beside a fit, checked before anything is read.
pub(super) struct Beside<M: Comparable = ModelFile> {
    rivals: Vec<Rival<M>>,
    choice: DataArgs,
    test_epochs: Vec<String>,
    limit_bytes: Option<u64>,
}

/// The same with everything read, so that nothing can go wrong after the fit.
pub(super) struct Ready<M: Comparable> {
    /// Every rival on the data of the fit.
    compared: Vec<(Rival<M>, OnBins<M>)>,
    /// Held-out epochs, with every rival on them.
    held_out: Vec<ReadyEpochs<M>>,
}

struct ReadyEpochs<M: Comparable> {
    selector: String,
    data: Data,
    response: M::Response,
    rivals: Vec<OnBins<M>>,
}

impl<M: Comparable> Beside<M> {
    /// Loads the other models and looks the held-out epochs up. `name` is that of the fit.
    ///
    /// # Errors
    /// [`Error::Argument`] for held-out epochs of arrays and for a model with bins of another width;
    /// [`Error::Unknown`] for epochs that are not there; whatever loading a model returns.
    pub(super) fn check(args: &FitArgs, name: &str, limit_bytes: Option<u64>) -> Result<Self> {
        let mut names = vec![name.to_string()];
        let mut rivals = Vec::with_capacity(args.compare.len());
        for path in &args.compare {
            let rival = Rival::load(path, &names)?;
            rival.check_bin(args.bin)?;
            names.push(rival.name.clone());
            rivals.push(rival);
        }
        let mut test_epochs: Vec<String> = Vec::new();
        if !args.test_epochs.is_empty() {
            if Format::of(&args.data).is_some() {
                let found = args.data.data.display().to_string();
                let help = "keep the test rows in a file of their own and use `rheobase score`";
                return Err(Error::argument("--test-epochs", "an NWB file", found, help));
            }
            args.data.refuse_row_term_files("--test-epochs")?;
            let file = nwb::open(&args.data.data)?;
            for selector in &args.test_epochs {
                file.epochs(selector)?;
                if !test_epochs.contains(selector) {
                    test_epochs.push(selector.clone());
                }
            }
        }
        Ok(Self { rivals, choice: args.data.clone(), test_epochs, limit_bytes })
    }

    /// Reads the held-out epochs, without what is fitted, and what the other models need.
    ///
    /// # Errors
    /// What reading returns, with the option that asked for it; [`Error::Argument`] for a response that the fit or another model
    /// does not know.
    pub(super) fn read(self, fitted: &Observed<M>, progress: &Progress) -> Result<Ready<M>> {
        let data = fitted.data;
        let mut choice = self.choice.clone();
        if !data.epochs_s.is_empty() {
            choice.unit.clone_from(&data.names);
        }
        let mut held_out = Vec::new();
        for selector in &self.test_epochs {
            let within = |error| within(format!("--test-epochs '{selector}'"), error);
            let mut choice = choice.clone();
            choice.epochs = vec![selector.clone()];
            choice.epoch = None;
            choice.except_s.clone_from(&data.epochs_s);
            let (detect, features) = (choice.detect_spikes.clone(), data.features.clone());
            let (counted, limit_bytes) = (Targets::Counted, self.limit_bytes);
            let of_epochs =
                recording(&choice, &counted, data.bin_s, detect.as_ref(), features, limit_bytes, progress)
                    .map_err(within)?;
            let mut of_epochs = Data { observation: data.observation, ..of_epochs };
            let response = M::response(&mut of_epochs, choice.nan).map_err(within)?;
            let own = Observed { data: &of_epochs, response: &response };
            M::check_held_out(fitted, &own).map_err(within)?;
            let rivals = self.rivals.iter();
            let rivals = rivals.map(|rival| self.apply(rival, &choice, of_epochs.n_bins(), progress));
            let rivals = rivals.collect::<Result<_>>().map_err(within)?;
            held_out.push(ReadyEpochs { selector: selector.clone(), data: of_epochs, response, rivals });
        }
        let apply = |rival: &Rival<M>| {
            let on_bins = self.apply(rival, &choice, data.n_bins(), progress)?;
            let known = rival.model.check_rival(&on_bins.fitted, fitted);
            known.map_err(|error| rival.within(error))?;
            Ok(on_bins)
        };
        let applied: Vec<OnBins<M>> = self.rivals.iter().map(apply).collect::<Result<_>>()?;
        Ok(Ready { compared: self.rivals.into_iter().zip(applied).collect(), held_out })
    }

    fn apply(
        &self,
        rival: &Rival<M>,
        choice: &DataArgs,
        n_bins: usize,
        progress: &Progress,
    ) -> Result<OnBins<M>> {
        let within = |error| rival.within(error);
        let mut choice = choice.for_other(&rival.model.study().row_terms());
        if Format::of(&choice) == Some(Format::Csv) && !matches!(rival.model.study(), Study::Nemos) {
            // columns of a csv file are found by the names that the model has of them; NeMoS has none
            choice.x = None;
        }
        let applied = rival.model.apply(&choice, self.limit_bytes, progress).map_err(within)?;
        if applied.n_bins == n_bins {
            return Ok(applied);
        }
        let (expected, found) = (n_bins, applied.n_bins);
        Err(within(Error::Length { what: "bins of the data".into(), expected, found }))
    }
}

fn within(what: String, error: Error) -> Error {
    Error::Within { what, source: Box::new(error) }
}

impl<M: Comparable> Ready<M> {
    /// The other models on the bins of the fit, and the fit and the other models on the held-out epochs.
    ///
    /// # Errors
    /// [`Error::Domain`] for a response that is no count.
    pub(super) fn score(
        self,
        fit: &M,
        fitted: &Observed<M>,
        expected: &[M::Prediction],
    ) -> Result<Scored<M>> {
        let mut held_out = Vec::with_capacity(self.held_out.len());
        let rivals: Vec<&Rival<M>> = self.compared.iter().map(|(rival, _)| rival).collect();
        for ReadyEpochs { selector, mut data, response, rivals: applied } in self.held_out {
            let expected = fit.predict(&data)?;
            let notices = fit.notices(&data, &expected);
            data.notices.extend(notices);
            let own = Observed { data: &data, response: &response };
            let scores = (0..data.names.len())
                .map(|target| fit.scores(target, &own, target, data.used(target), &expected[target]))
                .collect::<Result<_>>()?;
            let compared = rivals.iter().zip(applied);
            let compared = compared.map(|(rival, applied)| against(rival, applied, fit, &own, &expected));
            let compared = compared.collect::<Result<_>>()?;
            held_out.push(HeldOut { selector, data, scores, compared });
        }
        let compared = self.compared.into_iter();
        let compared = compared.map(|(rival, applied)| against(&rival, applied, fit, fitted, expected));
        Ok((compared.collect::<Result<_>>()?, held_out))
    }
}

/// A rival on the bins that it and the fit both have.
fn against<M: Comparable>(
    rival: &Rival<M>,
    applied: OnBins<M>,
    fit: &M,
    of: &Observed<M>,
    expected_by_fit: &[M::Prediction],
) -> Result<Compared<M>> {
    let data = of.data;
    let (mut n_bins, mut n_events) = (Vec::new(), Vec::new());
    let (mut scores, mut scores_of_fit) = (Vec::new(), Vec::new());
    for (target, expected) in expected_by_fit.iter().enumerate() {
        let theirs = &applied.used[target];
        let shared: Vec<usize> =
            data.used(target).iter().copied().filter(|bin| theirs.binary_search(bin).is_ok()).collect();
        n_bins.push(shared.len());
        n_events.push(shared.iter().map(|&bin| data.y.get(bin, target)).sum());
        let theirs = &applied.predictions[target];
        scores.push(rival.model.scores(applied.fitted[target], of, target, &shared, theirs)?);
        scores_of_fit.push(fit.scores(target, of, target, &shared, expected)?);
    }
    let (name, input, model) = (rival.name.clone(), rival.input.clone(), rival.model.clone());
    let expected = applied.predictions;
    Ok(Compared { name, input, model, expected, n_bins, n_events, scores, scores_of_fit })
}

impl<M: Comparable> Rival<M> {
    /// Loads a model and calls it by its folder, or by as many folders as tell it from the others.
    fn load(path: &Path, others: &[String]) -> Result<Self> {
        let model = M::load(path)?;
        let folders: Vec<String> = path
            .parent()
            .into_iter()
            .flat_map(Path::components)
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        let stem = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        let by_folders = (1..=folders.len()).map(|n| folders[folders.len() - n..].join("/"));
        let numbered = (2..).map(|k| format!("{} ({k})", folders.last().unwrap_or(&stem)));
        let plain = folders.is_empty().then(|| stem.clone());
        let mut names = plain.into_iter().chain(by_folders).chain(numbered);
        let name = names.find(|name| !others.contains(name)).unwrap_or_default();
        Ok(Self {
            path: path.into(),
            name,
            input: Input { path: path.into(), sha256: digest_file(path)? },
            model,
        })
    }

    /// An error with the option that asked for the model.
    fn within(&self, error: Error) -> Error {
        within(format!("--compare {}", self.path.display()), error)
    }

    fn check_bin(&self, bin_s: Option<f64>) -> Result<()> {
        match (self.model.study(), bin_s) {
            (Study::Recording(study), Some(bin_s)) if (study.bin_s / bin_s - 1.0).abs() > 1e-9 => {
                Err(Error::argument(
                    "--compare",
                    format!("a model with bins of {} ms", bin_s * 1e3),
                    format!("{} with bins of {} ms", self.path.display(), study.bin_s * 1e3),
                    "fit both with the same --bin",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The other models in a result.
pub(super) fn compared_json<M: Comparable>(compared: &[Compared<M>], data: &Data) -> Value {
    let of_model = |other: &Compared<M>| {
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
pub(super) fn held_out_json<M: Comparable>(held_out: &[HeldOut<M>]) -> Value {
    let of_set = |set: &HeldOut<M>| {
        let mut fields = Map::new();
        fields.insert("epochs".into(), set.selector.clone().into());
        fields.insert("epochs_s".into(), json!(set.data.epochs_s));
        result::bins(&set.data, &mut |name, value| drop(fields.insert(name.into(), value)));
        let of_target = |(k, name): (usize, &String)| {
            let mut fields = target_fields(name, set.data.used(k).len(), &set.scores[k]);
            if M::COUNTS {
                fields.insert("n_events".into(), set.data.n_events(k).into());
            }
            Value::Object(fields)
        };
        fields.insert("targets".into(), set.data.names.iter().enumerate().map(of_target).collect());
        fields.insert("compared".into(), compared_json(&set.compared, &set.data));
        fields.insert("notices".into(), json!(set.data.notices));
        Value::Object(fields)
    };
    held_out.iter().map(of_set).collect()
}

fn target_fields(name: &str, n_bins_used: usize, scores: &impl Serialize) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("name".into(), name.into());
    fields.insert("n_bins_used".into(), n_bins_used.into());
    if let Value::Object(scores) = json!(scores) {
        fields.extend(scores);
    }
    fields
}
