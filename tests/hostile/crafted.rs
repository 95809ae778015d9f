//! Files made to hurt, one way each: what they are refused with.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type, Location};
use rheobase::cli::{feature, study};
use rheobase::read::csv::CsvFile;
use rheobase::read::npz::{read_npy, read_npz};
use rheobase::read::npz_entries::read_entries;
use rheobase::read::nwb::{self, NwbFile};
use rheobase::recording::Kind;
use rheobase::write::categorical::CategoricalFile;
use rheobase::write::model::ModelFile;
use rheobase::{Error, Result};

use crate::readers::LIMIT_BYTES;

/// The two lines of an error that names the file and holds all these words.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, words: &[&str]) {
    let error = result.unwrap_err();
    let text = format!("{error}\nhelp: {}", error.help());
    assert!(error.help().len() > 8, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

pub(crate) fn text(at: &Location, name: &str, value: &str) {
    let value: VarLenUnicode = value.parse().unwrap();
    at.new_attr::<VarLenUnicode>().create(name).unwrap().write_scalar(&value).unwrap();
}

/// A recording with something in it.
pub(crate) fn recording(folder: &Path, fill: impl FnOnce(&Group)) -> PathBuf {
    let path = folder.join("r.nwb");
    let file = File::create(&path).unwrap();
    text(&file, "nwb_version", "2.6.0");
    fill(&file.create_group("acquisition").unwrap());
    file.close().unwrap();
    path
}

/// A series with a rate, of data that somebody else makes.
pub(crate) fn series(parent: &Group, name: &str) -> Group {
    let series = parent.create_group(name).unwrap();
    text(&series, "neurodata_type", "TimeSeries");
    text(&series, "namespace", "core");
    let start = series.new_dataset::<f64>().shape(()).create("starting_time").unwrap();
    start.new_attr::<f64>().create("rate").unwrap().write_scalar(&1000.0).unwrap();
    series
}

pub(crate) fn open(path: &Path) -> NwbFile {
    nwb::open_with_limit(path, LIMIT_BYTES).unwrap()
}

#[test]
fn series_whose_headers_lie() {
    #[derive(Clone, Copy, H5Type)]
    #[repr(C)]
    struct Record {
        a: f64,
        b: i32,
    }
    let folder = tempfile::tempdir().unwrap();
    let path = recording(folder.path(), |group| {
        let own = series(group, "columns");
        own.new_dataset::<f64>().chunk((1, 1 << 16)).shape((4, 1_usize << 40)).create("data").unwrap();
        let own = series(group, "chunk");
        own.new_dataset::<f64>().chunk(1 << 28).shape(1_usize << 40).create("data").unwrap();
        let own = series(group, "unwritten");
        own.new_dataset::<f64>().chunk(1 << 16).deflate(9).shape(1_usize << 22).create("data").unwrap();
        let own = series(group, "records");
        own.new_dataset_builder().with_data(&[Record { a: 1.0, b: 2 }]).create("data").unwrap();
        let own = series(group, "texts");
        text(&own.new_dataset::<f64>().shape(3).create("data").unwrap(), "conversion", "0.001");
        let own = series(group, "many");
        let data = own.new_dataset::<f64>().shape(3).create("data").unwrap();
        data.new_attr_builder().with_data(&[1.0, 2.0]).create("offset").unwrap();
        let own = series(group, "infinite");
        let data = own.new_dataset::<f64>().shape(3).create("data").unwrap();
        data.new_attr::<f64>().create("conversion").unwrap().write_scalar(&f64::INFINITY).unwrap();
        let own = series(group, "elsewhere");
        let set = own.new_dataset::<f64>().with_dcpl(|list| list.external("/etc/hostname", 0, 24)).shape(3);
        set.create("data").unwrap();
        let sources = folder.path().join("sources.h5");
        let own = File::create(&sources).unwrap();
        let sources_name = sources.display().to_string();
        let source = own.new_dataset::<f64>().shape(3).create("x").unwrap();
        source.write_raw(&[1.0, 2.0, 3.0]).unwrap();
        let own = series(group, "linked");
        own.link_external(&sources_name, "x", "data").unwrap();
        group.link_external(&sources_name, "/", "group").unwrap();
        let own = series(group, "virtual");
        let set = own
            .new_dataset::<f64>()
            .with_dcpl(|list| list.virtual_map(&sources_name, "x", 3, .., 3, ..))
            .shape(3);
        set.create("data").unwrap();
    });
    let file = open(&path);
    for (name, words) in [
        (
            "columns",
            &["/acquisition/columns: data: expected at most 1048576 columns, found 1099511627776"][..],
        ),
        ("chunk", &["one chunk of /acquisition/chunk/data needs 2147483648 bytes"]),
        ("records", &["expected numbers, found values of another kind"]),
        ("texts", &["expected a number as the attribute `conversion`, found the text \"0.001\""]),
        ("many", &["expected a number as the attribute `offset`, found 2 numbers"]),
        ("infinite", &["expected finite conversion and offset, found inf"]),
        ("elsewhere", &["expected its values in this file, found that they are in \"/etc/hostname\""]),
        (
            "linked",
            &[
                "/acquisition/linked: data: expected its values in this file",
                "in another file, behind a link",
            ],
        ),
        ("virtual", &["/acquisition/virtual: data: expected its values in this file", "(a virtual dataset)"]),
        ("group", &["is a link to another file, which is not read"]),
    ] {
        refused(file.series(name), words);
        refused(file.series(name), &["r.nwb"]);
    }
    let unwritten = file.series("unwritten").unwrap();
    refused(unwritten.read_rows(0..1 << 22, None), &["expected 4194304 values, found room for hardly any"]);
    assert_eq!(unwritten.read_rows(5..7, None).unwrap().values.column(0).to_vec(), [0.0, 0.0]);
    let findings = file.check();
    assert!(
        findings
            .iter()
            .any(|found| found.object.ends_with("unwritten") && found.text.contains("never written"))
    );
}

#[test]
fn links_that_lead_in_circles_and_groups_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = recording(folder.path(), |group| {
        let mut inner = group.create_group("deep").unwrap();
        for _ in 0..60 {
            inner = inner.create_group("deeper").unwrap();
        }
        series(&inner, "lost");
        for k in 0..20 {
            let circle = group.create_group(&format!("circle{k}")).unwrap();
            for name in ["a", "b", "c"] {
                circle.link_hard("/acquisition", name).unwrap();
                circle.link_soft("/acquisition", &format!("soft_{name}")).unwrap();
            }
        }
        let own = series(group, "found");
        own.new_dataset_builder().with_data(&[1.0, 2.0]).create("data").unwrap();
        group.link_hard("found", "same").unwrap();
    });
    let started = Instant::now();
    let file = open(&path);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let paths: Vec<&str> = file.recording().of_kind(Kind::Series).map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["/acquisition/found", "/acquisition/same"]);
    let notices = file.recording().notices.join("\n");
    assert!(notices.contains("groups nest deeper than 24"), "{notices}");
    assert!(
        notices.contains("/acquisition/circle7/b: is another name of a group that is listed"),
        "{notices}"
    );
}

#[test]
fn many_texts_that_are_one_long_text() {
    let folder = tempfile::tempdir().unwrap();
    let n = 2000;
    let mut offset = 0;
    let path = recording(folder.path(), |group| {
        let table = group.create_group("trials").unwrap();
        text(&table, "neurodata_type", "TimeIntervals");
        text(&table, "namespace", "core");
        let times: Vec<f64> = (0..n).map(f64::from).collect();
        table.new_dataset_builder().with_data(&times).create("start_time").unwrap();
        let times: Vec<f64> = times.iter().map(|time| time + 0.5).collect();
        table.new_dataset_builder().with_data(&times).create("stop_time").unwrap();
        let long: VarLenUnicode = "long ".repeat(20_000).parse().unwrap();
        let texts: Vec<VarLenUnicode> =
            (0..n).map(|k| if k == 0 { long.clone() } else { "short".parse().unwrap() }).collect();
        let set = table.new_dataset_builder().with_data(&texts).create("note").unwrap();
        offset = set.offset().unwrap() as usize;
    });
    assert_eq!(open(&path).intervals("trials").unwrap().n_rows(), n as usize);
    // every element becomes the place of the first: 200 MB of text in a file of 0.2 MB
    let mut bytes = std::fs::read(&path).unwrap();
    let first = bytes[offset..offset + 16].to_vec();
    bytes[offset..offset + 16 * n as usize]
        .chunks_exact_mut(16)
        .for_each(|element| element.copy_from_slice(&first));
    std::fs::write(&path, bytes).unwrap();
    refused(open(&path).intervals("trials"), &["r.nwb", "/acquisition/trials/note", "67108864"]);
}

#[test]
fn arrays_that_promise_more_than_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let npy = |header: &str, data: &[u8]| {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    };
    let header = |kind: &str, shape: &str| {
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n")
    };
    let brackets = "{'descr': ".to_string() + &"[{(".repeat(20_000);
    for (bytes, said) in [
        (npy(&header("<f8", "(1000000000000,)"), &[0; 64]), "expected 8000000000000 bytes of numbers"),
        (npy(&header("<f8", "(18446744073709551615, 2)"), &[]), "truncated"),
        (npy(&header("<f8", "(0, 1000000000000)"), &[]), "needs 8000000000000 bytes, 67108864 are allowed"),
        (npy(&header("|O", "(3,)"), &[0; 24]), "Python objects"),
        (npy(&header("<f8", "(2, 2, 2)"), &[0; 64]), "expected 1 or 2 dimensions"),
        (npy(&brackets, &[]), "a damaged header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "claims 4294967295 bytes"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let started = Instant::now();
        refused(read_npy(&path, LIMIT_BYTES), &["a.npy", said]);
        assert!(started.elapsed() < Duration::from_secs(1), "{said}");
    }

    let path = folder.path().join("a.npz");
    let write = |name: &str, bytes: &[u8]| {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
        archive.finish().unwrap();
    };
    write("x.npy", &npy(&header("<f8", "(1000000000,)"), &[0; 64]));
    refused(read_npz(&path, "x", LIMIT_BYTES), &["a.npz", "expected 8000000000 bytes", "truncated"]);
    refused(read_entries(&path), &["a.npz", "expected 8000000000 bytes of values, found"]);
    write("x.npy", &npy(&header("<U0", "(1000000000000,)"), &[]));
    refused(read_entries(&path), &["texts without letters, found 1000000000000"]);
    // packed well: 80 MB of zeros are 80 kB
    let folder_of_zeros = folder.path().join("zeros.npz");
    std::fs::write(&folder_of_zeros, packed_zeros()).unwrap();
    refused(
        read_npz(&folder_of_zeros, "x", LIMIT_BYTES),
        &["zeros.npz x needs 80000000 bytes, 67108864 are allowed"],
    );
    assert_eq!(read_npz(&folder_of_zeros, "x", 80_000_000).unwrap().values.dim(), (10_000_000, 1));
}

/// An npz file whose only array is ten million zeros, packed.
fn packed_zeros() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/zeros.npz")).unwrap()
}

#[test]
fn tables_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let read = |text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        let file = CsvFile::open(&path, 1 << 20)?;
        let columns: Vec<usize> = (0..file.names().len()).collect();
        file.read(&columns, 1 << 20).map(|columns| columns.values)
    };
    let line = [&b"7".repeat(1000)[..], b"\n"].concat();
    let open_quote = [&b"a,b\n1,\"2\n"[..], &line.repeat(4000)].concat();
    let long_field = [&b"a,b\n1,"[..], &vec![b'7'; 2 << 20]].concat();
    let names: Vec<String> = (0..20_000).map(|k| format!("c{k}")).collect();
    let row = format!("\n{}", vec!["7"; names.len()].join(","));
    let wide = names.join(",") + &row.repeat(10);
    for (bytes, words) in [
        (&b""[..], &["found an empty one"][..]),
        (b"a,b\n1,2\0\n", &["row 2, column \"b\"", "expected a number"]),
        (b"a,b\n1,2\n3\n", &["row 3", "expected 2 cells"]),
        (b"a,b\n1,2\n3,4,5\n", &["row 3", "expected 2 cells", "found 3"]),
        (b"a,b\n\n1,2\n", &["an empty line"]),
        (b"a,a\n1,2\n", &["a second time"]),
        (b"1,2\n3,4\n", &["numbers in its first row"]),
        (b"\xff\xfea\x00", &["UTF-16"]),
        (b"a,\xff\n1,2\n", &["UTF-8"]),
        (b"a,b\n1,1e999x\n", &["expected a number, found \"1e999x\""]),
        (&open_quote, &["row 2, where perhaps a quote never closes, needs"]),
        (&long_field, &["one line needs"]),
        (wide.as_bytes(), &["columns needs", "1048576 are allowed"]),
    ] {
        refused(read(bytes), words);
        refused(read(bytes), &["t.csv"]);
    }
    assert_eq!(read(b"a,b\n1,2\n").unwrap(), ndarray::array![[1.0, 2.0]]);
}

#[test]
fn models_and_studies_that_nest_or_overflow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    let deep =
        |n: usize, end: &str| "{\"schema\":1,\"study\":".to_string() + &"[".repeat(n) + &end.repeat(n) + "}";
    for (text, said) in [
        (deep(200_000, "]"), "expected a model file"),
        (deep(200_000, ""), "expected a model file"),
        ("[1e400]".into(), "m.json"),
        ("{\"schema\": 1e400}".into(), "number out of range"),
        ("{\"schema\": 99999999999999999999}".into(), "m.json"),
        ("{\"schema\": 1, \"schema\": 1}".into(), "duplicate"),
        ("\u{feff}{}".into(), "m.json"),
        ("\0".into(), "m.json"),
        (String::new(), "m.json"),
    ] {
        std::fs::write(&path, &text).unwrap();
        refused(ModelFile::load(&path), &["m.json", said]);
        refused(CategoricalFile::load(&path), &["m.json", said]);
        assert!(!CategoricalFile::is_one(&path));
    }
    let path = folder.path().join("s.toml");
    for (text, said) in [
        ("data = ".to_string() + &"[".repeat(200_000), "recurs"),
        ("a.".repeat(100_000) + "b = 1", "s.toml"),
        ("data = \"x.nwb\"\ntolerance = \"1e-\"".into(), "tolerance"),
        ("data = \"x.nwb\"\nepoch = 99999999999999999999999".into(), "epoch"),
        ("data = \"x.nwb\"\nepoch = -1".into(), "epoch"),
        ("data = \"s.toml\"".into(), "a study cannot be the data of a study"),
        ("data = \"a\"\ndata = \"b\"".into(), "duplicate key"),
        ("\u{0}".into(), "s.toml"),
    ] {
        std::fs::write(&path, &text).unwrap();
        let started = Instant::now();
        refused(study::words(&path), &["s.toml", said]);
        assert!(started.elapsed() < Duration::from_secs(2), "{said}: {:?}", started.elapsed());
    }
    std::fs::write(&path, "data = \"a.nwb\"\nbin = \"1ms\"\n").unwrap();
    assert_eq!(study::words(&path).unwrap(), ["--bin=1ms", "a.nwb"]);
}

#[test]
fn features_that_nobody_means() {
    let long = format!("{}stimulus", "stimulus x ".repeat(17));
    let deep = "(".repeat(100_000);
    for (text, said) in [
        ("stimulus : raised-cosine-log(4000000000, window=1s)", "at most 100000"),
        ("stimulus : raised-cosine-log(18446744073709551616, window=1s)", "a whole number"),
        ("stimulus : bspline(1000000)", "at most 100000"),
        ("stimulus : bspline(100, order=99)", "at most 32"),
        ("stimulus : fourier(4000000000)", "how many frequencies"),
        ("stimulus*1e999", "a number other than 0"),
        ("stimulus : raised-cosine-log(4, window=1e999s)", "duration"),
        ("stimulus : raised-cosine-log(4, window=-1s)", "duration"),
        (&long, "a product of at most 16 terms"),
        (&deep, "the name of a signal"),
        ("stimulus : bspline(8, range=1e308:1e309)", "two numbers"),
        ("", "the name of a signal"),
    ] {
        let error = feature::parse(text).unwrap_err();
        let told = format!("{error}\n{}", error.help());
        assert!(told.contains(said), "{text:.60}: {told:.300}");
        assert!(matches!(error, Error::Argument { .. } | Error::Unknown { .. }));
    }
    // long windows are known to be too long when there are bins
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/nwb/recording.nwb");
    for (text, said) in [
        ("stimulus : raised-cosine-log(4, window=1e300s)", "window"),
        ("stimulus : raised-cosine-log(4, window=4000000000s)", "window"),
        ("stimulus : raised-cosine-log(100000, window=250ms)", "needs"),
        ("position[x] : bspline(99999) x position[x] : bspline(99999)", "needs"),
    ] {
        let outcome = crate::readers::feature(text, &recording);
        let told: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].contains(said), "{text}: {told:?}");
    }
}
