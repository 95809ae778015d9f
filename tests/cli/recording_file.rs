//! A small recording with three units, and series that are awkward in one way each.

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type, Location};

use crate::array_file::Random;

/// Seconds that were recorded.
const LENGTH_S: usize = 64;
/// Samples per second of the fast series.
const RATE_HZ: usize = 100;
/// Samples of the fast series.
const N_SAMPLES: usize = LENGTH_S * RATE_HZ;

/// Epochs by start, stop and tag. Nobody spikes in `silence`; `run` touches neither of the others.
const EPOCHS: [(f64, f64, &str); 4] =
    [(0.0, 20.0, "run"), (20.5, 40.0, "run"), (41.0, 60.0, "rest"), (60.5, 63.0, "silence")];

/// Identifiers of the units.
pub(crate) const UNITS: [&str; 3] = ["3", "5", "9"];

/// Samples of `holes` that are not a number: two of the first second (of two bins of 10 ms), one of the third.
pub(crate) const HOLES: [usize; 3] = [17, 42, 230];

/// Writes the recording.
pub(crate) fn write_recording(path: &Path) {
    write_changed(path, |_| {});
}

/// Writes the recording with a change.
///
/// HDF5 locks the file that it writes, and a program that another test starts meanwhile inherits the lock: so the
/// file under `path` is a copy that nobody has written to.
pub(crate) fn write_changed(path: &Path, change: impl FnOnce(&File)) {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("recording.nwb");
    let file = File::create(&own).unwrap();
    fill(&file);
    change(&file);
    file.close().unwrap();
    std::fs::copy(own, path).unwrap();
}

fn fill(file: &File) {
    text(file, "nwb_version", "2.6.0");
    kind(file, "NWBFile");
    let mut random = Random(5);
    let current: Vec<f64> = (0..N_SAMPLES).map(|_| random.normal()).collect();
    let acquisition = file.create_group("acquisition").unwrap();
    regular(&file.create_group("stimulus/presentation/current").unwrap(), &current, "amperes");
    regular(&acquisition.create_group("nothing").unwrap(), &vec![f64::NAN; N_SAMPLES], "volts");
    regular(&acquisition.create_group("constant").unwrap(), &vec![2.5; N_SAMPLES], "volts");
    let mut holes = current.clone();
    HOLES.into_iter().for_each(|sample| holes[sample] = f64::NAN);
    regular(&acquisition.create_group("holes").unwrap(), &holes, "volts");
    slow(&acquisition.create_group("position").unwrap(), &mut random);
    let quiet_from = EPOCHS[3].0;
    let spikes: Vec<Vec<f64>> =
        (0..UNITS.len()).map(|unit| spikes(&current, unit, quiet_from, &mut random)).collect();
    units(&file.create_group("units").unwrap(), &spikes);
    epochs(&file.create_group("intervals/epochs").unwrap());
    blocks(&file.create_group("intervals/blocks").unwrap());
}

/// Spikes of a unit whose rate follows the current, at most one per sample and never on its edge.
fn spikes(current: &[f64], unit: usize, end_s: f64, random: &mut Random) -> Vec<f64> {
    let gain = [0.6, -0.4, 0.1][unit];
    let mut times = Vec::new();
    for (sample, x) in current.iter().enumerate() {
        let t = (sample as f64 + 0.2 + 0.2 * unit as f64) / RATE_HZ as f64;
        let rate_hz = 8.0 * (gain * x).exp();
        if random.uniform() < rate_hz / RATE_HZ as f64 && t < end_s {
            times.push(t);
        }
    }
    times
}

/// A series with a rate.
pub(crate) fn regular(series: &Group, values: &[f64], unit: &str) {
    kind(series, "TimeSeries");
    let data = put(series, "data", values);
    text(&data, "unit", unit);
    let start = series.new_dataset::<f64>().shape(()).create("starting_time").unwrap();
    start.write_scalar(&0.0).unwrap();
    start.new_attr::<f64>().create("rate").unwrap().write_scalar(&(RATE_HZ as f64)).unwrap();
}

/// Two columns, five samples per second: slower than any bin in use.
fn slow(series: &Group, random: &mut Random) {
    kind(series, "TimeSeries");
    let n = 5 * LENGTH_S;
    let values = ndarray::Array2::from_shape_simple_fn((n, 2), || random.normal());
    let data = series.new_dataset_builder().with_data(&values).create("data").unwrap();
    text(&data, "unit", "meters");
    let times: Vec<f64> = (0..n).map(|sample| sample as f64 * 0.2).collect();
    put(series, "timestamps", &times);
}

pub(crate) fn units(table: &Group, spikes: &[Vec<f64>]) {
    let ids: Vec<i64> = UNITS[..spikes.len()].iter().map(|id| id.parse().unwrap()).collect();
    units_of(table, &ids, spikes);
}

fn units_of(table: &Group, ids: &[i64], spikes: &[Vec<f64>]) {
    kind(table, "Units");
    names(table, &["spike_times"]);
    put(table, "id", ids);
    put(table, "spike_times", &spikes.concat());
    let ends: Vec<u32> = (1..=spikes.len()).map(|n| spikes[..n].concat().len() as u32).collect();
    put(table, "spike_times_index", &ends);
}

fn epochs(table: &Group) {
    kind(table, "TimeIntervals");
    names(table, &["start_time", "stop_time", "tags"]);
    put(table, "id", &(0..EPOCHS.len() as i64).collect::<Vec<_>>());
    put(table, "start_time", &EPOCHS.map(|epoch| epoch.0));
    put(table, "stop_time", &EPOCHS.map(|epoch| epoch.1));
    put(table, "tags", &EPOCHS.map(|epoch| epoch.2.parse::<VarLenUnicode>().unwrap()));
    put(table, "tags_index", &(1..=EPOCHS.len() as u32).collect::<Vec<_>>());
}

/// Writes a recording whose epochs are 100 trials of 0.2 s, one each half second.
pub(crate) fn write_trials(path: &Path) {
    write_changed(path, |file| {
        file.unlink("intervals/epochs").unwrap();
        let table = file.create_group("intervals/epochs").unwrap();
        kind(&table, "TimeIntervals");
        names(&table, &["start_time", "stop_time", "tags"]);
        let start = |trial: i64| 0.5 * trial as f64;
        put(&table, "id", &(0..100_i64).collect::<Vec<_>>());
        put(&table, "start_time", &(0..100).map(start).collect::<Vec<_>>());
        put(&table, "stop_time", &(0..100).map(|trial| start(trial) + 0.2).collect::<Vec<_>>());
        put(&table, "tags", &vec!["trial".parse::<VarLenUnicode>().unwrap(); 100]);
        put(&table, "tags_index", &(1..=100_u32).collect::<Vec<_>>());
    });
}

/// Writes a recording of 12 units, numbers 1 to 12: each excites the next one and is quiet after its own spikes.
pub(crate) fn write_coupled(path: &Path) {
    write_changed(path, |file| {
        let mut random = Random(12);
        let mut recent = [0.0; 12];
        let mut spikes = vec![Vec::new(); 12];
        for sample in 0..N_SAMPLES {
            let before = recent;
            for unit in 0..12 {
                let drive = 1.5 * before[(unit + 11) % 12] - 2.0 * before[unit];
                let fires = random.uniform() < 0.06 * f64::exp(drive);
                recent[unit] = 0.7 * before[unit] + f64::from(u8::from(fires));
                if fires {
                    spikes[unit].push((sample as f64 + 0.5) / RATE_HZ as f64);
                }
            }
        }
        file.unlink("units").unwrap();
        let ids: Vec<i64> = (1..=12).collect();
        units_of(&file.create_group("units").unwrap(), &ids, &spikes);
    });
}

/// A table whose rows overlap and touch: the bins are those of their union.
fn blocks(table: &Group) {
    kind(table, "TimeIntervals");
    names(table, &["start_time", "stop_time"]);
    put(table, "id", &[0_i64, 1, 2]);
    put(table, "start_time", &[2.0, 3.0, 6.0]);
    put(table, "stop_time", &[4.0, 6.0, 8.0]);
}

pub(crate) fn put<T: H5Type>(group: &Group, name: &str, values: &[T]) -> hdf5::Dataset {
    group.new_dataset_builder().with_data(values).create(name).unwrap()
}

pub(crate) fn kind(group: &Group, name: &str) {
    text(group, "namespace", "core");
    text(group, "neurodata_type", name);
}

fn names(table: &Group, columns: &[&str]) {
    let columns: Vec<VarLenUnicode> = columns.iter().map(|name| name.parse().unwrap()).collect();
    let attribute = table.new_attr::<VarLenUnicode>().shape(columns.len()).create("colnames").unwrap();
    attribute.write_raw(&columns).unwrap();
}

pub(crate) fn text(object: &Location, name: &str, value: &str) {
    let value: VarLenUnicode = value.parse().unwrap();
    object.new_attr::<VarLenUnicode>().create(name).unwrap().write_scalar(&value).unwrap();
}

/// Writes a recording without units.
pub(crate) fn write_without_units(path: &Path) {
    write_changed(path, |file| file.unlink("units").unwrap());
}

/// Writes a recording whose table of units has no rows.
pub(crate) fn write_empty_units(path: &Path) {
    write_changed(path, |file| {
        file.unlink("units").unwrap();
        units(&file.create_group("units").unwrap(), &[]);
    });
}

/// Writes a recording whose current has another name.
pub(crate) fn write_renamed(path: &Path, name: &str) {
    let name = format!("stimulus/presentation/{name}");
    write_changed(path, |file| file.relink("stimulus/presentation/current", &name).unwrap());
}
