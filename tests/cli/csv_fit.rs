//! Fits to csv files: what counts as one, which columns are taken, and what is refused.

use std::fmt::Write as _;
use std::fs;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::{Place, assert_near, json, numbers, texts};

/// Names of the columns: one that needs quotes, one with a space.
const HEADER: [&str; 5] = ["speed", "\"a,b\"", "c c", "count", "licks"];
const FEATURES: &str = "speed,\"a,b\",c c";

/// Cells of the random data: three features, their counts, and the same counts backwards.
fn cells() -> Vec<Vec<String>> {
    let (x, y) = random_data();
    let row = |(k, x): (usize, &[f64])| {
        let mut cells: Vec<String> = x.iter().map(f64::to_string).collect();
        cells.extend([y[k], y[N_ROWS - 1 - k]].map(|y| y.to_string()));
        cells
    };
    x.chunks(3).enumerate().map(row).collect()
}

/// A table as text.
fn written(header: &[&str], cells: &[Vec<String>], separator: &str, end: &str) -> String {
    let mut text = header.join(separator) + end;
    for row in cells {
        write!(text, "{}{end}", row.join(separator)).unwrap();
    }
    text
}

/// A place with the random data as `d.csv` and `d.npz`.
pub(crate) fn tables() -> Place {
    let place = Place::new();
    fs::write(place.path("d.csv"), written(&HEADER, &cells(), ",", "\n")).unwrap();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    place
}

/// Writes the random data with some cells changed.
fn write_changed(place: &Place, name: &str, changes: &[(usize, usize, &str)]) {
    let mut cells = cells();
    for &(row, column, cell) in changes {
        cells[row][column] = cell.into();
    }
    fs::write(place.path(name), written(&HEADER, &cells, ",", "\n")).unwrap();
}

#[test]
fn a_csv_file_gives_the_bits_of_an_npz_file() {
    let place = tables();
    let npz = place.run(&["fit", "d.npz", "--json"]).ended(0).json();
    let words = ["fit", "d.csv", "--y", "count", "--x", FEATURES, "--json"];
    let run = place.run(&words).ended(0);
    assert_eq!(run.stderr, "");
    let csv = run.json();
    assert_eq!(texts(&csv["labels"]), ["speed", "a,b", "c c"]);
    assert_eq!(csv["targets"][0]["name"], "count");
    assert_eq!((csv["n_bins"].as_u64(), csv["n_bins_used"].as_u64()), (Some(400), Some(400)));
    for field in ["coef", "intercept", "standard_errors", "log_likelihood", "kkt_residual"] {
        assert_eq!(csv["targets"][0][field], npz["targets"][0][field], "{field}");
    }
    // the order of the columns is the one that was asked for
    let turned = place.run(&["fit", "d.csv", "--y", "count", "--x", "c c, speed", "--json"]).ended(0).json();
    assert_eq!(texts(&turned["labels"]), ["c c", "speed"]);
}

#[test]
fn every_column_but_the_counts_is_a_feature() {
    let place = tables();
    let fit = place.run(&["fit", "d.csv", "--y", "count,licks", "--json", "--out", "out"]).ended(0).json();
    assert_eq!(texts(&fit["labels"]), ["speed", "a,b", "c c"]);
    assert_eq!([&fit["targets"][0]["name"], &fit["targets"][1]["name"]], ["count", "licks"]);
    let bins = fs::read_to_string(place.path("out/tables/bins.csv")).unwrap();
    assert!(bins.starts_with("bin,used,count_count,expected_count_count,count_licks,"), "{bins}");
    let command = json(&place.path("out/fit.json"))["command"].as_str().unwrap().to_string();
    assert!(command.starts_with("rheobase fit d.csv --y count,licks --nan drop"), "{command}");
    let alone = place.run(&["fit", "d.csv", "--y", "licks", "--json"]).ended(0).json();
    assert_eq!(texts(&alone["labels"]), ["speed", "a,b", "c c", "count"]);
}

#[test]
fn what_other_programs_write() {
    let place = tables();
    let expected = place.run(&["fit", "d.csv", "--y", "count", "--json"]).ended(0).json();
    let plain = written(&HEADER, &cells(), ",", "\n");
    let quoted = written(&["\"speed\"", HEADER[1], "\" c c\"", "count ", "licks"], &cells(), ",", "\n");
    for (name, text, note) in [
        ("crlf", written(&HEADER, &cells(), ",", "\r\n"), ""),
        ("mark", format!("\u{feff}{plain}"), ""),
        ("end", format!("{plain}\n\n"), ""),
        ("open", plain.trim_end().to_string(), ""),
        ("quoted", quoted, ""),
        ("spaced", plain.replace("\n0,", "\n 0 ,"), ""),
        ("tabs", written(&HEADER, &cells(), "\t", "\n"), "separated by tabs"),
        ("semicolons", written(&HEADER, &cells(), ";", "\r\n"), "separated by semicolons"),
    ] {
        let file = format!("{name}.csv");
        fs::write(place.path(&file), text).unwrap();
        let run = place.run(&["fit", &file, "--y", "count", "--json"]).ended(0);
        assert!(run.stderr.contains(note) && (note.is_empty() == run.stderr.is_empty()), "{run:?}");
        let found = run.json();
        assert_eq!(found["targets"], expected["targets"], "{name}");
        assert_eq!(found["labels"], expected["labels"], "{name}");
    }
    // text in a column that nobody asks for, with a line end in it
    let mut table = cells();
    table.iter_mut().for_each(|row| row.push("\"two\nlines\"".into()));
    let text = written(&[&HEADER[..], &["note"]].concat(), &table, ",", "\n");
    fs::write(place.path("text.csv"), text).unwrap();
    let words = ["fit", "text.csv", "--y", "count", "--x", "speed,\"a,b\",c c,licks", "--json"];
    assert_eq!(place.run(&words).ended(0).json()["targets"], expected["targets"]);
}

#[test]
fn missing_numbers_leave_out_their_rows() {
    let place = tables();
    let changes = [(4, 0, ""), (6, 1, "NA"), (8, 3, "NaN"), (10, 2, " nan "), (11, 0, "inf")];
    write_changed(&place, "na.csv", &changes);
    let words = ["fit", "na.csv", "--y", "count", "--x", FEATURES];
    let dropped = place.run(&[&words[..], &["--json"]].concat()).ended(0).json();
    assert_eq!(dropped["n_bins_dropped"].as_u64(), Some(5));
    let rest: Vec<Vec<String>> = cells()
        .into_iter()
        .enumerate()
        .filter(|(k, _)| ![4, 6, 8, 10, 11].contains(k))
        .map(|(_, r)| r)
        .collect();
    fs::write(place.path("rest.csv"), written(&HEADER, &rest, ",", "\n")).unwrap();
    let words = ["fit", "rest.csv", "--y", "count", "--x", FEATURES, "--json"];
    let rest = place.run(&words).ended(0).json();
    let coef = |fit: &serde_json::Value| numbers(&fit["targets"][0]["coef"]);
    assert!(crate::relative(&coef(&dropped), &coef(&rest)) < 1e-12);
    let words = ["fit", "na.csv", "--y", "count", "--x", FEATURES, "--nan", "error"];
    place.refused(&words, 3, &["na.csv: row 6, column \"speed\": expected a finite number, found NaN"]);
}

#[test]
fn columns_that_were_typed_wrong() {
    let place = tables();
    let present = "present are: speed, \"a,b\", c c, count, licks";
    for (words, said) in [
        (
            &["--y", "cuont"][..],
            ["column \"cuont\" does not exist in d.csv", "did you mean count? present are: "],
        ),
        (&["--y", "lever"], ["column \"lever\" does not exist in d.csv", present]),
        (&["--y", "count", "--x", "sped"], ["column \"sped\"", "did you mean speed? "]),
        (&["--y", "a,b"], ["--y: expected names of columns", "in quotes: --y '\"a,b\"'"]),
        (&["--y", "\"a,b"], ["--y: expected names of columns: a,b,c, found `\"a,b`", "commas between"]),
        (&["--y", "count,"], ["column \"\" does not exist", present]),
        (&["--y", "count,count"], ["--y: expected different columns, found \"count\" twice", "once"]),
        (
            &["--y", "count", "--x", "speed,count"],
            ["--x: expected other columns than --y, found \"count\"", "help"],
        ),
        (&[], ["--y: expected the column that holds the counts, found nothing", "--y COL,COL"]),
        (
            &["--y", "count", "--epochs", "run"],
            ["--epochs: expected an NWB file, found d.csv", "leave it out"],
        ),
        (&["--y", "count", "--bin", "1ms"], ["--bin: expected an NWB file, found d.csv", "leave it out"]),
    ] {
        place.refused(&[&["fit", "d.csv"], words, &["--out", "out"]].concat(), 2, &said);
    }
}

#[test]
fn files_that_are_no_table_of_numbers() {
    let place = tables();
    write_changed(&place, "word.csv", &[(4, 0, "x7")]);
    write_changed(&place, "comma.csv", &[(4, 0, "\"1,5\"")]);
    write_changed(&place, "negative.csv", &[(9, 3, "-1")]);
    let plain = written(&HEADER, &cells(), ",", "\n");
    let line = |k: usize| plain.lines().nth(k).unwrap();
    let header = line(0);
    for (name, text) in [
        ("ragged", plain.replacen(line(5), "1,2,3", 1)),
        ("blank", plain.replacen(line(5), "", 1)),
        ("twice", plain.replacen("c c", "speed", 1)),
        ("empty", String::new()),
        ("header", format!("{header}\n")),
        ("numbers", format!("{}\n{}\n", line(1), line(2))),
        ("unnamed", plain.replacen("speed", "", 1)),
        ("all_missing", format!("{header}\nNA,1,2,3,4\nNA,1,2,3,4\n")),
    ] {
        fs::write(place.path(&format!("{name}.csv")), text).unwrap();
    }
    fs::write(place.path("latin.csv"), b"vitesse,\xe9t\xe9\n1,2\n").unwrap();
    fs::write(place.path("cell.csv"), b"x,count\n1,2\n\xe9,2\n").unwrap();
    let utf16: Vec<u8> = format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(place.path("utf16.csv"), utf16).unwrap();
    fs::create_dir(place.path("folder.csv")).unwrap();
    for (file, said) in [
        ("word.csv", ["word.csv: row 6, column \"speed\": expected a number, found \"x7\"", "--x COL,COL"]),
        (
            "comma.csv",
            ["row 6, column \"speed\": expected a number, found \"1,5\"", "a point in decimal numbers"],
        ),
        (
            "negative.csv",
            [
                "negative.csv: column \"count\": row 11, target 0: expected a count, 0 or more, found -1",
                "help",
            ],
        ),
        ("ragged.csv", ["ragged.csv: row 6: expected 5 cells, as the header has, found 3", "quotes"]),
        (
            "blank.csv",
            ["blank.csv: row 6: expected 5 cells, as the header has, found an empty line", "remove"],
        ),
        (
            "twice.csv",
            ["row 1, column 3: expected a name of its own, found \"speed\" a second", "another name"],
        ),
        ("empty.csv", ["empty.csv: expected a csv file with a header row, found an empty one", "first row"]),
        ("header.csv", ["header.csv: there is a header and no row below it", "one row of numbers per bin"]),
        ("numbers.csv", ["found numbers in its first row (", "a name for each column"]),
        ("unnamed.csv", ["row 1, column 1: expected the name of a column, found nothing", "--x COL,COL"]),
        (
            "all_missing.csv",
            ["of 2 rows, 2 have data that are not finite, so none is left; most are in column", "help"],
        ),
        (
            "latin.csv",
            ["latin.csv: expected a csv file with a header row, found bytes that are no UTF-8", "UTF-8"],
        ),
        ("cell.csv", ["cell.csv: row 3, column \"x\": expected a number, found \"\u{fffd}\"", "UTF-8"]),
        ("utf16.csv", ["found UTF-16 text", "save it as UTF-8"]),
        ("folder.csv", ["found a folder", "give the path of one csv file"]),
        ("absent.csv", ["absent.csv: No such file", "check the path"]),
    ] {
        let y = if file == "numbers.csv" { "1" } else { "count" };
        place.refused(&["fit", file, "--y", y, "--out", "out"], 3, &said);
    }
    let words = ["fit", "d.csv", "--y", "count", "--memory-limit", "1kB"];
    place.refused(&words, 1, &["d.csv: reading 5 columns needs 19248 bytes, 1000 are allowed"]);
}

#[test]
fn a_model_finds_its_columns_by_their_names() {
    let place = tables();
    let words = ["fit", "d.csv", "--y", "count", "--x", FEATURES, "--out", "out", "--json"];
    let fit = place.run(&words).ended(0).json();
    // another order, with a column of text beside them
    let turned: Vec<Vec<String>> =
        cells().into_iter().map(|r| [3, 2, 0, 1].map(|k| r[k].clone()).to_vec()).collect();
    let noted: Vec<Vec<String>> = turned.iter().map(|r| [&["a".to_string()][..], r].concat()).collect();
    let header = ["note", "count", "c c", "speed", "\"a,b\""];
    fs::write(place.path("turned.csv"), written(&header, &noted, ",", "\n")).unwrap();
    let score = |words: &[&str]| place.run(&[&["score", "out/model.json"], words, &["--json"]].concat());
    let turned = score(&["turned.csv"]).ended(0).json();
    assert_eq!(turned["targets"][0]["name"], "count");
    assert_near(&turned["targets"][0]["log_likelihood"], &fit["targets"][0]["log_likelihood"], "turned");
    // columns of other names, in the order of the model
    let renamed = ["note", "n", "z", "x", "y"];
    fs::write(place.path("renamed.csv"), written(&renamed, &noted, ",", "\n")).unwrap();
    let renamed = score(&["renamed.csv", "--x", "x,y,z", "--y", "n"]).ended(0).json();
    assert_eq!(renamed["targets"][0]["log_likelihood"], turned["targets"][0]["log_likelihood"]);
    assert_eq!(score(&["d.npz"]).ended(0).json()["targets"][0]["deviance"], turned["targets"][0]["deviance"]);

    let missing = ["renamed.csv: features: expected the columns of the model, found no column speed"];
    place.refused(&["score", "out/model.json", "renamed.csv"], 3, &missing);
    let said =
        ["counts: expected the targets of the model, found no column count", "--y COL names the column"];
    fs::write(place.path("x.csv"), written(&HEADER[..3], &cells_of(3), ",", "\n")).unwrap();
    place.refused(&["score", "out/model.json", "x.csv"], 3, &said);
    let said = ["features: expected the columns of the model, found none called a,b", "speed, \"a,b\", c c"];
    place.refused(&["score", "out/model.json", "d.csv", "--x", "speed,c c,licks"], 3, &said);
    let said = ["features: expected the 3 columns of the model, found 1"];
    place.refused(&["score", "out/model.json", "d.csv", "--x", "licks"], 3, &said);
    place.refused(&["score", "out/model.json", "d.csv", "--y", "n"], 2, &["column \"n\" does not exist"]);
}

/// The first columns of the random data.
fn cells_of(n_columns: usize) -> Vec<Vec<String>> {
    cells().into_iter().map(|row| row[..n_columns].to_vec()).collect()
}
