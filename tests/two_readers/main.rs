//! Every value of every file of the tests, read by two readers of HDF5 that share no line: libhdf5 and `hdf5-reader`, written
//! in Rust. They agree bit for bit, and what this program makes of a recording is what follows from the second reader.

#[path = "../common/tally.rs"]
mod tally;

mod derived;
mod first;
mod second;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use rheobase::simulate::{NeuronParameters, Protocol, simulate_plan};
use rheobase::write::nwb::write_session;

/// Values of a dataset or attribute.
#[derive(Debug, PartialEq)]
pub(crate) enum Values {
    /// Numbers by the bits of their own width, in storage order.
    Bits(Vec<u64>),
    /// Texts.
    Texts(Vec<String>),
    /// Where references lead: the addresses of the objects.
    Addresses(Vec<u64>),
}

impl Values {
    fn n(&self) -> usize {
        match self {
            Self::Bits(all) | Self::Addresses(all) => all.len(),
            Self::Texts(all) => all.len(),
        }
    }
}

/// What was compared.
#[derive(Debug, Default)]
struct Compared {
    groups: u64,
    datasets: u64,
    attributes: u64,
    values: u64,
    /// Links that lead nowhere for both.
    nowhere: u64,
    /// Datasets that are left out: what they claim was never written, or has a filter that the first does not know.
    left_out: BTreeSet<String>,
}

/// A file as both readers see it.
struct Both {
    first: hdf5::File,
    second: hdf5_reader::Hdf5File,
    compared: Compared,
    /// Groups that were entered, by their address.
    entered: BTreeSet<u64>,
}

/// Elements of the largest dataset that is read.
const MOST: usize = 1 << 26;

impl Both {
    fn open(path: &Path) -> Self {
        let first = hdf5::File::open(path).unwrap();
        let second = hdf5_reader::Hdf5File::open(path).unwrap();
        Self { first, second, compared: Compared::default(), entered: BTreeSet::new() }
    }

    fn compare_all(mut self) -> Compared {
        let (first, second) = (self.first.as_group().unwrap(), self.second.root_group().unwrap());
        self.group("", &first, &second);
        self.compared
    }

    fn group(&mut self, path: &str, first: &hdf5::Group, second: &hdf5_reader::group::Group) {
        if !self.entered.insert(second.address()) {
            return;
        }
        self.compared.groups += 1;
        let named: Vec<String> =
            second.attributes().unwrap().iter().map(|found| found.name.clone()).collect();
        self.attributes(path, first, &named, |name| second.attribute(name).unwrap());
        for name in first.member_names().unwrap() {
            let inner = format!("{path}/{name}");
            if let Ok(set) = first.dataset(&name) {
                self.dataset(&inner, &set);
            } else if let Ok(group) = first.group(&name) {
                let second = self.second.group(&inner).unwrap_or_else(|e| panic!("{inner}: {e}"));
                self.group(&inner, &group, &second);
            } else {
                assert!(
                    self.second.dataset(&inner).is_err() && self.second.group(&inner).is_err(),
                    "{inner}"
                );
                self.compared.nowhere += 1;
            }
        }
    }

    fn dataset(&mut self, path: &str, first: &hdf5::Dataset) {
        let second = self.second.dataset(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let shape: Vec<usize> = second.shape().iter().map(|&n| usize::try_from(n).unwrap()).collect();
        assert_eq!(first.shape(), shape, "{path}");
        let named: Vec<String> = second.attributes().iter().map(|found| found.name.clone()).collect();
        self.attributes(path, first, &named, |name| second.attribute(name).unwrap());
        if first.size() > MOST || first.filters().iter().any(|filter| !filter.is_available()) {
            self.compared.left_out.insert(path.to_string());
            return;
        }
        let address = |name: &str| self.address(name);
        let (own, other) = (first::values(first, &self.first, &address), second::of_dataset(&second));
        assert!(own == other, "{path}: {own:?} is not {other:?}");
        assert_eq!(own.n(), shape.iter().product::<usize>(), "{path}");
        self.compared.datasets += 1;
        self.compared.values += own.n() as u64;
    }

    fn attributes(
        &mut self,
        path: &str,
        first: &hdf5::Location,
        named: &[String],
        second: impl Fn(&str) -> hdf5_reader::Attribute,
    ) {
        let names: BTreeSet<String> = first.attr_names().unwrap().into_iter().collect();
        assert_eq!(names, named.iter().cloned().collect(), "{path}");
        for name in names {
            let address = |name: &str| self.address(name);
            let own = first::values(&first.attr(&name).unwrap(), &self.first, &address);
            let other = second::of_attribute(&second(&name));
            assert!(own == other, "{path}@{name}: {own:?} is not {other:?}");
            self.compared.attributes += 1;
            self.compared.values += own.n() as u64;
        }
    }

    /// Where the second reader finds the object of a name.
    fn address(&self, name: &str) -> u64 {
        let of_group = self.second.group(name).map(|group| group.address());
        of_group.unwrap_or_else(|_| self.second.dataset(name).unwrap().address())
    }
}

/// Files of the tests, and those that this program writes itself.
fn files(folder: &Path) -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut files = vec![data.join("patchclamp_small.nwb")];
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(data.join("nwb")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    files.extend(found);
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/nwb");
    files.extend(
        ["recording", "recording_latest", "electrodes"].map(|name| seeds.join(format!("{name}.nwb"))),
    );
    let simulated = folder.join("simulated.nwb");
    let neuron = NeuronParameters { threshold_mv: -71.0, ..NeuronParameters::default() };
    write_session(&simulated, &simulate_plan(&[Protocol::Test, Protocol::Test], &neuron, 11)).unwrap();
    let copy = folder.join("copy.nwb");
    let words = ["fit", "--epochs", "Test", "--unit", "0", "--bin", "1ms", "--feature"];
    let fit = Command::new(env!("CARGO_BIN_EXE_rheobase"))
        .args(words)
        .arg("stimulus*1e12 : raised-cosine-log(3, window=50ms)")
        .arg("--write-nwb")
        .arg(&copy)
        .arg(&simulated)
        .env("WGPU_BACKEND", "none")
        .output()
        .unwrap();
    assert!(copy.exists(), "{}", String::from_utf8_lossy(&fit.stderr));
    files.extend([simulated, copy]);
    files
}

#[test]
fn two_readers_give_the_same_bits_and_this_program_what_follows_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    assert!(files.len() >= 15, "{files:?}");
    let mut all = Compared::default();
    let mut derived = derived::Derived::default();
    for path in &files {
        let compared = Both::open(path).compare_all();
        all.groups += compared.groups;
        all.datasets += compared.datasets;
        all.attributes += compared.attributes;
        all.values += compared.values;
        all.nowhere += compared.nowhere;
        all.left_out.extend(compared.left_out);
        derived.add(path);
    }
    // one is of 2^40 samples that were never written, one is packed by a filter that is not built in
    let left_out: Vec<&str> = all.left_out.iter().map(String::as_str).collect();
    assert_eq!(left_out, ["/acquisition/huge/data", "/acquisition/lzf/data"]);
    assert!(all.nowhere >= 3 && all.groups > 200 && all.datasets > 300 && all.attributes > 700, "{all:?}");
    assert!(derived.series >= 25 && derived.units > 20 && derived.tables > 8, "{derived:?}");
    tally::tally(
        "two readers",
        &[
            ("files", files.len() as u64),
            ("objects", all.groups + all.datasets),
            ("attributes", all.attributes),
            ("values", all.values),
            ("values of our reader", derived.values),
        ],
    );
}
