//! `rheobase export`: a fitted model as a file of another program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::applied::mixed;
use super::array_columns::column_list;
use super::run::{Report, pretty, say};
use super::shell::shell_word;
use crate::design::FeatureColumns;
use crate::observation::Label;
use crate::read::nemos::NemosModel;
use crate::write::categorical::CategoricalFile;
use crate::write::digest::{digest_bytes, digest_file};
use crate::write::model::{Input, ModelFile, SCHEMA, Study};
use crate::write::nemos::{Exported, nemos_bytes, nemos_of, nemos_of_classes};
use crate::write::same_file::is_same_file;
use crate::write::save::{check_writable_file, save_bytes};
use crate::{Error, Result};

/// What the help of `export` ends with.
const EXPORT_HELP: &str = "\
nemos writes what `save_params` of NeMoS 0.2.8 would: a GLM of one target, a PopulationGLM of several; of classes a ClassifierGLM
of one target, a ClassifierPopulationGLM of several with the same classes. The file has no names: NeMoS takes the features as an
array whose columns are in the order that is printed, as tables/features.csv has them.

Examples:
  rheobase export results/model.json --to nemos model.npz
  python -c \"import nemos; print(nemos.load_model('model.npz'))\"
  rheobase score model.npz TEST.npz --x X_test --y y_test";

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub struct ExportArgs {
    /// A model.json that `fit --out` wrote, or a copy that `fit --write-nwb` wrote
    pub model: PathBuf,
    /// The program whose file it is to be
    #[arg(long, value_name = "PROGRAM")]
    pub to: Program,
    /// The file to write, .npz
    pub out: PathBuf,
    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
    /// No notices
    #[arg(long)]
    pub quiet: bool,
}

/// Programs that have files of models.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Program {
    /// An npz file as nemos 0.2.8 saves it
    Nemos,
}

/// A model of any kind, as another program is to have it.
struct Model {
    /// Names of the columns.
    columns: Vec<String>,
    features: Vec<FeatureColumns>,
    /// Names of the targets.
    targets: Vec<String>,
    /// Labels of a model of classes, the same for all targets.
    classes: Vec<Label>,
    exported: Exported,
}

impl Model {
    fn load(path: &Path) -> Result<Self> {
        if CategoricalFile::is_one(path) {
            let CategoricalFile { study, fit, .. } = CategoricalFile::load(path)?;
            check_study(path, &study)?;
            let targets = fit.targets.iter().map(|target| target.name.clone()).collect();
            let (classes, exported) = (fit.targets[0].classes.clone(), nemos_of_classes(&fit)?);
            return Ok(Self { columns: fit.labels, features: fit.features, targets, classes, exported });
        }
        let ModelFile { study, fit, .. } = ModelFile::load(path)?;
        check_study(path, &study)?;
        let targets = fit.targets.iter().map(|target| target.name.clone()).collect();
        let (classes, exported) = (Vec::new(), nemos_of(&fit));
        Ok(Self { columns: fit.labels, features: fit.features, targets, classes, exported })
    }
}

/// Refuses models that `NeMoS` has already, and those that it cannot have.
fn check_study(path: &Path, study: &Study) -> Result<()> {
    if matches!(study, Study::Nemos) {
        let found = format!("{}, which is a file of NeMoS already", path.display());
        let help = "copy it, or give the model.json that `rheobase fit --out` wrote";
        return Err(Error::argument("<MODEL>", "a model of rheobase", found, help));
    }
    match study.row_terms().offset {
        None => Ok(()),
        Some(offset) => {
            let found = format!("one with the offset {offset}");
            let help =
                "NeMoS has none, so its predictions would be others: fit without --offset, or predict here";
            Err(Error::argument("<MODEL>", "a model without an offset", found, help))
        }
    }
}

/// Writes the file and says what is in it.
pub(super) fn export(args: &ExportArgs) -> Result<Report> {
    let Program::Nemos = args.to;
    if args.out.extension().and_then(|ending| ending.to_str()) != Some("npz") {
        let found = args.out.display().to_string();
        let help = "end the name in .npz, as NeMoS does";
        return Err(Error::argument("<OUT>", "a file that ends in .npz", found, help));
    }
    if is_same_file(&args.model, &args.out) {
        let found = format!("an input ({})", args.out.display());
        let help = "give another name: inputs are never changed";
        return Err(Error::argument("<OUT>", "the name of a new file", found, help));
    }
    check_writable_file(&args.out)?;
    let Model { columns, features, targets, classes, exported } = Model::load(&args.model)?;
    let Exported { model: nemos, mut notices } = exported;
    notices.extend(mixed(&args.model));
    let bytes = nemos_bytes(&nemos)?;
    let sha256 = digest_bytes(&bytes);
    let input = Input { path: args.model.clone(), sha256: digest_file(&args.model)? };
    save_bytes(&args.out, &bytes)?;
    if !args.quiet {
        notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        say(&format!("model written to {}", args.out.display()));
    }
    if !args.json {
        return Ok(Report { text: text(&nemos, (&features, &columns), &targets, &classes), converged: true });
    }
    let output = Input { path: args.out.clone(), sha256 };
    let mut document: Value = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "command": command_line(args),
        "model": input,
        "output": output,
        "model_class": nemos.class.name(),
        "observation_model": nemos.observation.name(),
        "inverse_link_function": nemos.link.name(),
        "columns": columns,
        "targets": targets,
        "notices": notices,
    });
    if nemos.class.is_classifier() {
        document["classes"] = json!(classes);
    }
    Ok(Report { text: pretty(&document), converged: true })
}

/// The command with everything that decides the result.
fn command_line(args: &ExportArgs) -> String {
    let [model, out] = [&args.model, &args.out].map(|path| shell_word(&path.display().to_string()));
    format!("rheobase export {model} --to nemos {out}")
}

/// What a user of the file needs to know: its class, and the order of columns and targets.
fn text(
    nemos: &NemosModel,
    (features, labels): (&[FeatureColumns], &[String]),
    targets: &[String],
    classes: &[Label],
) -> String {
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let mut text = format!(
        "{}, {}, {}\ncolumns of X, in this order:\n",
        last(nemos.class.name()),
        last(nemos.observation.name()),
        nemos.link.name()
    );
    for feature in features {
        let [first, end] = feature.columns;
        let columns = if end - first == 1 { first.to_string() } else { format!("{first}..{}", end - 1) };
        // columns of a file have names of their own, those of a basis are numbers
        let own = &labels[first..end];
        let is_plain = |label: &String| label.starts_with(&feature.name);
        let names = if own.iter().all(is_plain) { String::new() } else { format!(" ({})", column_list(own)) };
        // writing to a string cannot fail
        let _ = writeln!(text, "  {columns}: {}{names}", feature.name);
    }
    if nemos.class.is_population() {
        let _ = writeln!(text, "neurons, in this order: {}", targets.join(", "));
    }
    if nemos.class.is_classifier() {
        let labels: Vec<String> = classes.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "classes, in this order: {}", labels.join(", "));
    }
    text
}
