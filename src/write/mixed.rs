//! Whether the files of a folder belong together: what `fit.json` lists, against what is there.

use std::io;
use std::path::{Component, Path};

use serde_json::Value;

use super::digest::digest_file;
use super::json::read_json;
use super::save::{INDEX_NAME, folder_of};
use crate::{Error, Result};

/// The entry of `fit.json` for files that an earlier run has left in the folder.
pub(super) const STALE: &str = "stale";

/// Files of a set that are missing or are not those that its `fit.json` lists, and those of an earlier run beside it; empty if the
/// set is whole.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if `fit.json` cannot be read, [`Error::Object`] if it lists no files.
pub fn mixed_files(folder: &Path) -> Result<Vec<String>> {
    let index = folder.join(INDEX_NAME);
    let fit: Value = read_json(&index)?;
    let Some(files) = fit.get("files").and_then(Value::as_object) else {
        return Err(Error::object(
            &index,
            "files",
            "expected an object of names and digests, found none",
            "this folder was not written by this program, or by an older version of it",
        ));
    };
    let mut mixed = Vec::new();
    for (name, sha256) in files {
        match digest_file(&folder.join(name)) {
            Ok(found) if Some(found.as_str()) == sha256.as_str() => {}
            Err(Error::Io { path, source }) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { path, source });
            }
            _ => mixed.push(name.clone()),
        }
    }
    mixed.extend(
        names_in(&fit, STALE)
            .filter(|name| !files.contains_key(*name) && folder.join(name).exists())
            .map(String::from),
    );
    Ok(mixed)
}

/// Files in a folder that its `fit.json` lists and that `is_new` does not know: what a set that has fewer leaves behind.
pub(super) fn left_behind(folder: &Path, is_new: impl Fn(&str) -> bool) -> Vec<String> {
    let Ok(fit) = read_json::<Value>(&folder.join(INDEX_NAME)) else { return Vec::new() };
    let listed = fit.get("files").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys);
    let mut names: Vec<String> =
        listed.map(String::as_str).chain(names_in(&fit, STALE)).map(String::from).collect();
    names.sort_unstable();
    names.dedup();
    // a name that leaves the folder is none of ours
    let is_inside =
        |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    names.retain(|name| !is_new(name) && is_inside(name) && folder.join(name).exists());
    names
}

fn names_in<'f>(fit: &'f Value, key: &str) -> impl Iterator<Item = &'f str> {
    fit.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether the `fit.json` beside a file lists another file under its name: then they are of different runs.
///
/// ```
/// use rheobase::write::save::{Saver, is_mixed};
///
/// let place = tempfile::tempdir().unwrap();
/// let mut saver = Saver::open(place.path())?;
/// saver.stage("model.json", b"{}")?;
/// saver.finish(serde_json::Map::new())?;
/// let model = place.path().join("model.json");
/// assert!(!is_mixed(&model));
/// std::fs::write(&model, "{\"other\": 1}").unwrap();
/// assert!(is_mixed(&model));
/// # Ok::<(), rheobase::Error>(())
/// ```
pub fn is_mixed(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
    let Ok(fit) = read_json::<Value>(&folder_of(path).join(INDEX_NAME)) else { return false };
    let listed = fit.get("files").and_then(|files| files.get(&*name)).and_then(Value::as_str);
    listed.is_some_and(|listed| digest_file(path).is_ok_and(|found| found != listed))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::save::Saver;
    use super::*;

    #[test]
    fn what_a_smaller_set_leaves_behind_is_listed_and_found() {
        let place = tempfile::tempdir().unwrap();
        let save = |names: &[&str], notes: bool| {
            let mut saver = Saver::open(place.path()).unwrap();
            names.iter().for_each(|name| saver.stage(name, b"{}").unwrap());
            let mut fit = Map::new();
            if notes {
                saver.note_stale(&mut fit);
            }
            saver.finish(fit).unwrap();
        };
        save(&["model.json", "report.html", "tables/bins.csv"], true);
        assert!(mixed_files(place.path()).unwrap().is_empty());
        // also when that happens twice
        for _ in 0..2 {
            save(&["model.json"], true);
            assert_eq!(mixed_files(place.path()).unwrap(), ["report.html", "tables/bins.csv"]);
        }
        std::fs::remove_file(place.path().join("report.html")).unwrap();
        assert_eq!(mixed_files(place.path()).unwrap(), ["tables/bins.csv"]);
        save(&["model.json", "report.html", "tables/bins.csv"], true);
        assert!(mixed_files(place.path()).unwrap().is_empty());
    }
}
