//! The saver: complete files or none, sets that can be recognised.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use rheobase::Error;
use rheobase::write::digest::{digest_bytes, digest_file};
use rheobase::write::json::{json_bytes, read_json};
use rheobase::write::save::{Saver, mixed_files, save_bytes, save_with};
use rheobase::write::table::{Values, csv_bytes, csv_pieces};
use serde_json::{Map, Value, json};

fn fit() -> Map<String, Value> {
    let mut fit = Map::new();
    fit.insert("schema".into(), json!(1));
    fit
}

/// All files under a folder, temporary ones too, relative to it.
fn files_under(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.insert(format!("{name}/"));
            found.extend(files_under(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.insert(name);
        }
    }
    found
}

fn set_of(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn one_file_is_replaced_and_nothing_else_is_left() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("new").join("rate.csv");
    save_bytes(&path, b"first, longer").unwrap();
    save_bytes(&path, b"second").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(files_under(place.path()), set_of(&["new/", "new/rate.csv"]));
}

#[cfg(unix)]
#[test]
fn files_have_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let (ordinary, saved) = (place.path().join("ordinary"), place.path().join("saved"));
    fs::write(&ordinary, "").unwrap();
    save_bytes(&saved, b"").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&saved), mode(&ordinary));
}

#[test]
fn a_failed_write_leaves_the_old_file_and_no_folder() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.json");
    fs::write(&path, "old").unwrap();
    let fail = |path: &Path| {
        save_with(path, |file| {
            file.write_all(b"half").unwrap();
            Err(Error::io(path, std::io::ErrorKind::StorageFull.into()))
        })
    };
    assert!(fail(&path).unwrap_err().help().contains("free some space"));
    assert!(fail(&place.path().join("a").join("b").join("c.json")).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(files_under(place.path()), set_of(&["model.json"]));
}

#[test]
fn a_path_under_a_file_or_at_a_folder_is_an_error_with_the_path() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "old").unwrap();
    for error in [
        save_bytes(&file.join("x.csv"), b"").unwrap_err(),
        save_bytes(&file.join("deep").join("x.csv"), b"").unwrap_err(),
        Saver::open(&file).unwrap_err(),
        Saver::open(&file.join("out")).unwrap_err(),
        save_bytes(place.path(), b"").unwrap_err(),
    ] {
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(&place.path().display().to_string()), "{error}");
        assert_eq!(error.blame(), rheobase::error::Blame::Machine, "{error}");
    }
    assert_eq!(files_under(place.path()), set_of(&["file"]));
}

#[test]
fn a_set_is_written_with_its_digests_and_other_files_are_untouched() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("deep").join("out");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let mut saver = Saver::open(&folder).unwrap();
    saver.stage("tables/bins.csv", b"t\n0.5\n").unwrap();
    saver.stage("model.json", &json_bytes(&json!({"a": 1})).unwrap()).unwrap();
    saver
        .stage_with("figures/a.svg", |file| {
            // as a library would that opens the path itself
            fs::write(file.path(), "<svg/>").map_err(|e| Error::io(file.path(), e))
        })
        .unwrap();
    assert!(!folder.join("model.json").exists(), "nothing has its name before the end");
    let written = saver.finish(fit()).unwrap();
    assert_eq!(written.last().unwrap(), &folder.join("fit.json"));
    let expected =
        ["figures/", "figures/a.svg", "fit.json", "model.json", "notes.txt", "tables/", "tables/bins.csv"];
    assert_eq!(files_under(&folder), set_of(&expected));
    assert_eq!(fs::read(folder.join("notes.txt")).unwrap(), b"mine");
    let index: Value = read_json(&folder.join("fit.json")).unwrap();
    assert_eq!(index["schema"], 1);
    let files = index["files"].as_object().unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["tables/bins.csv", "model.json", "figures/a.svg"]);
    assert_eq!(files["tables/bins.csv"], digest_bytes(b"t\n0.5\n"));
    assert_eq!(files["figures/a.svg"], digest_file(&folder.join("figures/a.svg")).unwrap());
    assert!(mixed_files(&folder).unwrap().is_empty());
}

#[test]
fn a_mixed_set_is_recognised() {
    let place = tempfile::tempdir().unwrap();
    let mut saver = Saver::open(place.path()).unwrap();
    saver.stage("a.csv", b"1").unwrap();
    saver.stage("b.csv", b"2").unwrap();
    saver.stage("c.csv", b"3").unwrap();
    saver.finish(fit()).unwrap();
    fs::write(place.path().join("b.csv"), "other").unwrap();
    fs::remove_file(place.path().join("c.csv")).unwrap();
    assert_eq!(mixed_files(place.path()).unwrap(), ["b.csv", "c.csv"]);
    fs::write(place.path().join("fit.json"), "{}").unwrap();
    assert!(matches!(mixed_files(place.path()), Err(Error::Object { .. })));
    fs::remove_file(place.path().join("fit.json")).unwrap();
    assert!(matches!(mixed_files(place.path()), Err(Error::Io { .. })));
}

#[test]
fn a_folder_in_the_place_of_a_file_fails_before_anything_is_replaced() {
    for taken in ["b.csv", "fit.json"] {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a.csv"), "old").unwrap();
        fs::create_dir(place.path().join(taken)).unwrap();
        let mut saver = Saver::open(place.path()).unwrap();
        saver.stage("a.csv", b"new").unwrap();
        saver.stage("b.csv", b"new").unwrap();
        saver.stage("tables/c.csv", b"new").unwrap();
        let error = saver.finish(fit()).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if path.ends_with(taken)), "{error:?}");
        assert_eq!(fs::read(place.path().join("a.csv")).unwrap(), b"old");
        assert_eq!(files_under(place.path()), set_of(&["a.csv", &format!("{taken}/")]));
    }
}

#[test]
fn a_rename_that_fails_takes_back_what_is_new_and_is_noticed_in_what_is_old() {
    let place = tempfile::tempdir().unwrap();
    let save = |saver: &mut Saver, content: &[u8]| {
        saver.stage("old.csv", content).unwrap();
        saver.stage("tables/b.csv", content).unwrap();
    };
    let mut saver = Saver::open(place.path()).unwrap();
    save(&mut saver, b"first run");
    saver.finish(fit()).unwrap();
    let index = fs::read(place.path().join("fit.json")).unwrap();
    let mut saver = Saver::open(place.path()).unwrap();
    saver.stage("new.csv", b"second run").unwrap();
    save(&mut saver, b"second run");
    // someone removes the folder with the temporary file in it
    fs::remove_dir_all(place.path().join("tables")).unwrap();
    assert!(matches!(saver.finish(fit()), Err(Error::Io { .. })));
    assert_eq!(files_under(place.path()), set_of(&["old.csv", "fit.json"]));
    assert_eq!(fs::read(place.path().join("fit.json")).unwrap(), index);
    assert_eq!(mixed_files(place.path()).unwrap(), ["old.csv", "tables/b.csv"]);
}

#[test]
fn a_file_that_is_also_a_folder_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("new").join("out");
    let mut saver = Saver::open(&folder).unwrap();
    saver.stage("a.csv", b"new").unwrap();
    // a.csv has only its temporary name so far, so this makes a folder
    saver.stage("a.csv/inside.csv", b"new").unwrap();
    let error = saver.finish(fit()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert_eq!(files_under(place.path()), set_of(&[]));
}

#[test]
fn a_saver_that_is_dropped_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let mut saver = Saver::open(&place.path().join("new").join("out")).unwrap();
    saver.stage("tables/a.csv", b"new").unwrap();
    assert_eq!(saver.digests().count(), 1);
    let failed =
        saver.stage_with("b.nwb", |file| Err(Error::io(file.path(), std::io::ErrorKind::StorageFull.into())));
    assert!(failed.is_err());
    drop(saver);
    assert_eq!(files_under(place.path()), set_of(&[]));
}

#[test]
fn names_that_leave_the_folder_or_repeat_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let mut saver = Saver::open(place.path()).unwrap();
    saver.stage("a.csv", b"").unwrap();
    for name in ["../a", "/etc/a", "", "a/../../b", ".", "fit.json", "a.csv"] {
        let error = saver.stage(name, b"").unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{name}: {error}");
    }
    saver.finish(fit()).unwrap();
}

#[test]
fn a_long_table_is_written_in_pieces() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let rows: Vec<i64> = (0..100_000).collect();
    let values: Vec<f64> = rows.iter().map(|&row| 1.0 / row as f64).collect();
    let columns = [("row", Values::Integers(&rows)), ("x", values.as_slice().into())];
    let mut saver = Saver::open(&folder).unwrap();
    saver.stage_table("tables/long.csv", &columns).unwrap();
    let unequal = [("row", Values::Integers(&rows)), ("x", (&values[1..]).into())];
    assert!(matches!(saver.stage_table("tables/unequal.csv", &unequal), Err(Error::Length { .. })));
    saver.finish(Map::new()).unwrap();
    assert!(mixed_files(&folder).unwrap().is_empty());
    let bytes = fs::read(folder.join("tables/long.csv")).unwrap();
    assert_eq!(bytes, csv_bytes(&columns).unwrap());
    let mut n_pieces = 0;
    let mut joined = Vec::new();
    csv_pieces(&columns, |piece| {
        assert!(piece.ends_with(b"\n") && piece.len() < 300_000);
        n_pieces += 1;
        joined.extend_from_slice(piece);
        Ok(())
    })
    .unwrap();
    assert!(n_pieces > 5 && joined == bytes);
}
