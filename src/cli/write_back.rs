//! `fit --write-nwb COPY`: the results in a copy of the recording.

use serde_json::{Map, Value, json};

use super::args::FitArgs;
use super::arrays::Format;
use super::fit::Fitting;
use super::outputs;
use crate::read::nwb;
use crate::recording::Kind;
use crate::write::model::{Input, Study};
use crate::write::nwb::{Results, StoredModel, UnitRows, check_place, write_copy};
use crate::write::same_file::is_same_file;
use crate::write::save::{PendingFile, check_replaceable};
use crate::{Error, Result};

/// Refuses before the fit what could not be written after it.
pub(super) fn check(args: &FitArgs) -> Result<()> {
    let Some(copy) = &args.write_nwb else { return Ok(()) };
    let input = args.data.data.as_path();
    if Format::of(&args.data).is_some() {
        let help = "leave it out: --out DIR writes the results of arrays";
        return Err(Error::argument("--write-nwb", "an NWB file to copy", input.display().to_string(), help));
    }
    if is_same_file(input, copy) {
        let found = format!("the input itself ({})", copy.display());
        let help = "give another path: the input is never changed";
        return Err(Error::argument("--write-nwb", "the path of a copy", found, help));
    }
    check_place(input, copy)?;
    check_replaceable(copy)
}

/// Writes the copy under a temporary name and tells the result of it.
pub(super) fn prepare(
    args: &FitArgs,
    fitting: &Fitting,
    command: &str,
    document: &mut Map<String, Value>,
) -> Result<Option<PendingFile>> {
    let Some(path) = &args.write_nwb else { return Ok(None) };
    let data = &fitting.data;
    let results = Results {
        input: &data.input,
        model: match &fitting.of_classes {
            Some(of_classes) => StoredModel::OfClasses(&of_classes.model),
            None => StoredModel::OfMeans(&fitting.model),
        },
        fit: &fitting.model.fit,
        names: (0..data.names.len()).map(|target| data.response_name(target).clone()).collect(),
        classes: (0..data.names.len()).filter_map(|target| fitting.class_of(target)).collect(),
        definitions: data.features.iter().map(|feature| feature.text.clone()).collect(),
        command,
        bin_s: data.bin_s,
        centres_s: &data.centres_s,
        expected: &fitting.expected,
        units: unit_rows(fitting)?,
        filters: outputs::filter_rows(fitting)?,
    };
    let copy = write_copy(path, &results)?;
    let written = Input { path: path.clone(), sha256: copy.sha256()? };
    document.insert("write_nwb".into(), json!(written));
    Ok(Some(copy))
}

/// Where the targets stand in the units table; detected ones stand in none.
fn unit_rows(fitting: &Fitting) -> Result<Option<UnitRows>> {
    let data = &fitting.data;
    if matches!(&fitting.model.study, Study::Recording(study) if study.detect_spikes.is_some()) {
        return Ok(None);
    }
    let file = nwb::open(&data.input.path)?;
    let units = file.units()?;
    let found = units.rows_of(&data.responses().into_iter().cloned().collect::<Vec<String>>())?;
    let rows = found.into_iter().enumerate().flat_map(|(k, row)| {
        let n_classes = data.classes.get(k).map_or(1, |own| own.targets.len());
        vec![row as i64; n_classes]
    });
    let rows = rows.collect();
    let table = file.recording().find(&units.key, Kind::Units)?.path.clone();
    Ok(Some(UnitRows { table, rows }))
}
