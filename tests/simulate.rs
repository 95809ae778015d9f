//! The simulated session and its NWB file.
//!
//! With `RHEOBASE_KEEP_SIMULATED=PATH` the file is also kept at PATH, for `tests/check_nwb_with_pynwb.py`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use hdf5::types::VarLenUnicode;
use hdf5::{File, IndexType, IterationOrder, LinkType, ObjectReference1, ReferencedObject};
use rheobase::Error;
use rheobase::simulate::{
    NeuronParameters, Protocol, SPIKE_RESOLUTION_S, SimulatedSession, lay_out, simulate, simulate_plan,
};
use rheobase::write::nwb::write_session;

const SEED: u64 = 20_250_204;

fn session() -> &'static SimulatedSession {
    static SESSION: OnceLock<SimulatedSession> = OnceLock::new();
    SESSION.get_or_init(|| simulate(SEED))
}

/// A few seconds, for tests about files.
fn short_session(seed: u64) -> SimulatedSession {
    let neuron = NeuronParameters { threshold_mv: -71.0, ..NeuronParameters::default() };
    simulate_plan(&[Protocol::Test, Protocol::Test], &neuron, seed)
}

fn spikes_in(session: &SimulatedSession, epoch: usize) -> Vec<f64> {
    let (start, stop, _) = session.epochs[epoch];
    session.spike_times_s.iter().copied().filter(|t| (start..=stop).contains(t)).collect()
}

/// Samples of each sweep.
fn samples_of(session: &SimulatedSession) -> Vec<std::ops::Range<usize>> {
    let first = |t: f64| session.stamps.partition_point(|&stamp| stamp < t);
    session.epochs.iter().map(|&(start, stop, _)| first(start)..first(stop)).collect()
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let again = simulate(SEED);
    assert!(again == *session());
    let other = simulate(SEED + 1);
    assert_eq!(other.stamps, session().stamps);
    assert_eq!(other.epochs, session().epochs);
    assert_ne!(other.spike_times_s, session().spike_times_s);
    assert_ne!(other.stimulus_a, session().stimulus_a);
    assert_ne!(other.response_v, session().response_v);
}

#[test]
fn the_sweeps_are_those_of_the_tutorial() {
    let tags: Vec<&str> = session().epochs.iter().map(|epoch| epoch.2.as_str()).collect();
    assert_eq!(tags, ["Ramp", "Noise 1", "Noise 2", "Noise 1", "Noise 1", "Test"]);
    assert_eq!((session().epochs[1].0, session().epochs[1].1), (39.02, 67.04));
    assert_eq!(session().stamps.len(), 680_400 + 4 * 560_400 + 40_560);
    assert_eq!(session().stimulus_a.len(), session().stamps.len());
    assert_eq!(session().response_v.len(), session().stamps.len());
}

#[test]
fn timestamps_are_correctly_rounded_and_have_holes_of_five_seconds() {
    let stamps = &session().stamps;
    assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]));
    let holes: Vec<f64> =
        stamps.windows(2).map(|pair| pair[1] - pair[0]).filter(|&step| step > 5.1e-5).collect();
    assert_eq!(holes.len(), 5);
    assert!(holes.iter().all(|hole| (hole - 5.000_05).abs() < 1e-9), "{holes:?}");
    for (range, (start, stop, _)) in samples_of(session()).into_iter().zip(&session().epochs) {
        assert_eq!(stamps[range.start], *start);
        assert!((stamps[range.end - 1] + 5e-5 - stop).abs() < 1e-9);
    }
    for sweep in lay_out(&[Protocol::Ramp, Protocol::Test]) {
        assert_eq!(sweep.time_s(7), (sweep.first_sample + 7) as f64 / 20_000.0);
    }
}

#[test]
fn noise_one_is_frozen_and_the_neuron_is_not() {
    let samples = samples_of(session());
    let stimulus = |epoch: usize| &session().stimulus_a[samples[epoch].clone()];
    let response = |epoch: usize| &session().response_v[samples[epoch].clone()];
    assert_eq!(stimulus(1), stimulus(3));
    assert_eq!(stimulus(1), stimulus(4));
    assert_ne!(stimulus(1), stimulus(2));
    assert_ne!(response(1), response(3));
    let relative = |epoch: usize| -> Vec<i64> {
        let start = session().epochs[epoch].0;
        spikes_in(session(), epoch)
            .iter()
            .map(|t| ((t - start) / SPIKE_RESOLUTION_S).round() as i64)
            .collect()
    };
    assert_ne!(relative(1), relative(3));
    assert_ne!(relative(3), relative(4));
}

#[test]
fn spikes_lie_within_epochs_and_are_as_many_as_a_fit_needs() {
    for seed in [SEED, 1, 2, 3] {
        let session = simulate(seed);
        assert!(session.spike_times_s.windows(2).all(|pair| pair[0] < pair[1]));
        let counts: Vec<usize> = (0..6).map(|epoch| spikes_in(&session, epoch).len()).collect();
        assert_eq!(counts.iter().sum::<usize>(), session.spike_times_s.len(), "spikes outside the epochs");
        assert!(counts[1..5].iter().all(|count| (30..=60).contains(count)), "seed {seed}: {counts:?}");
        assert!(counts[0] > 10, "seed {seed}: {counts:?}");
        assert_eq!(counts[5], 0, "a hyperpolarising pulse");
    }
}

#[test]
fn every_spike_shows_in_the_voltage_and_nothing_else_does() {
    let session = session();
    // onset: the voltage rises by more than 1 mV per sample (20 V/s), not within 1 ms of the onset before
    let mut onsets: Vec<usize> = Vec::new();
    for range in samples_of(session) {
        for sample in range.start..range.end - 1 {
            let rise = session.response_v[sample + 1] - session.response_v[sample];
            if rise > 1e-3 && onsets.last().is_none_or(|&last| sample >= last + 20) {
                onsets.push(sample);
            }
        }
    }
    assert_eq!(onsets.len(), session.spike_times_s.len());
    for (&onset, &spike) in onsets.iter().zip(&session.spike_times_s) {
        assert!((session.stamps[onset] - spike).abs() < 0.15e-3, "{spike}: {}", session.stamps[onset]);
        assert!(session.stimulus_a[onset] > 30e-12, "{spike}");
    }
}

#[test]
fn current_levels_are_amperes_at_single_precision() {
    let samples = samples_of(session());
    let highest = |epoch: usize| {
        session().stimulus_a[samples[epoch].clone()].iter().copied().fold(f64::MIN, f64::max) * 1e12
    };
    assert!((highest(0) - 120.0).abs() < 1e-4);
    assert!((110.0..160.0).contains(&highest(1)) && (110.0..160.0).contains(&highest(2)));
    let lowest = session().stimulus_a.iter().copied().fold(f64::MAX, f64::min) * 1e12;
    assert!((lowest + 10.0).abs() < 1e-5);
    assert!(session().stimulus_a.iter().all(|&x| x == f64::from(x as f32)));
    assert!(session().response_v.iter().all(|v| (-0.09..0.04).contains(v)));
}

#[test]
fn the_file_has_the_layout_and_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.nwb");
    write_session(&path, session()).unwrap();
    if let Some(keep) = std::env::var_os("RHEOBASE_KEEP_SIMULATED") {
        std::fs::copy(&path, Path::new(&keep)).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    let file = File::open(&path).unwrap();
    let read = |name: &str| file.dataset(name).unwrap().read_raw::<f64>().unwrap();
    assert_eq!(read("/stimulus/presentation/stimulus/timestamps"), session().stamps);
    assert_eq!(read("/stimulus/presentation/stimulus/data"), session().stimulus_a);
    assert_eq!(read("/acquisition/response/timestamps"), session().stamps);
    let response = file.dataset("/acquisition/response/data").unwrap();
    assert_eq!(response.read_raw::<f32>().unwrap(), session().response_v);
    assert_eq!(response.filters().len(), 2);
    assert!(response.is_chunked());
    let acquired = file.group("/acquisition/response").unwrap();
    assert_eq!(link_type(&acquired, "timestamps"), Some(LinkType::Soft));
    assert_eq!(read("/units/spike_times"), session().spike_times_s);
    let ends = file.dataset("/units/spike_times_index").unwrap();
    assert_eq!(ends.read_raw::<u32>().unwrap(), [session().spike_times_s.len() as u32]);
    let starts: Vec<f64> = session().epochs.iter().map(|epoch| epoch.0).collect();
    assert_eq!(read("/intervals/epochs/start_time"), starts);
    let tags: Vec<VarLenUnicode> = file.dataset("/intervals/epochs/tags").unwrap().read_raw().unwrap();
    assert_eq!(tags[4].as_str(), "Noise 1");
    assert_eq!(
        file.dataset("/intervals/epochs/tags_index").unwrap().read_raw::<u32>().unwrap(),
        [1, 2, 3, 4, 5, 6]
    );
}

#[test]
fn references_lead_where_they_should_and_identifiers_differ() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.nwb");
    write_session(&path, &short_session(7)).unwrap();
    let file = File::open(&path).unwrap();
    for (index, column) in [
        ("/units/spike_times_index", "/units/spike_times"),
        ("/intervals/epochs/tags_index", "/intervals/epochs/tags"),
    ] {
        let target: ObjectReference1 =
            file.dataset(index).unwrap().attr("target").unwrap().read_scalar().unwrap();
        let ReferencedObject::Dataset(found) = file.dereference(&target).unwrap() else {
            panic!("no dataset")
        };
        assert_eq!(found.name(), column);
    }
    let references = file.dataset("/units/electrode_group").unwrap().read_raw::<ObjectReference1>().unwrap();
    let ReferencedObject::Group(electrodes) = file.dereference(&references[0]).unwrap() else {
        panic!("no group")
    };
    assert_eq!(text_of(&electrodes, "neurodata_type"), "ElectrodeGroup");
    assert_eq!(text_of(&electrodes.group("device").unwrap(), "neurodata_type"), "Device");
    assert_eq!(text_of(&file, "nwb_version"), "2.8.0");
    let mut ids = BTreeSet::new();
    let mut n_objects = 0;
    for object in [
        "/",
        "/units",
        "/units/id",
        "/units/location",
        "/intervals/epochs",
        "/acquisition/response",
        "/stimulus/presentation/stimulus",
    ] {
        let location = file.loc_info_by_name(object).and_then(|info| file.open_by_token(info.token)).unwrap();
        ids.insert(text_of(&location, "object_id"));
        n_objects += 1;
    }
    assert_eq!(ids.len(), n_objects);
}

#[test]
fn the_same_session_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, seed: u64| {
        let path = folder.path().join(name);
        write_session(&path, &short_session(seed)).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = bytes("a.nwb", 1);
    // modification times would show after a second
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert!(first == bytes("b.nwb", 1));
    assert!(first != bytes("c.nwb", 2));
    // replacing a file gives the same again
    assert!(first == bytes("c.nwb", 1));
}

#[test]
fn wrong_sessions_and_places_are_errors_that_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = short_session(1);
    let file = folder.path().join("file");
    std::fs::write(&file, "old").unwrap();
    assert!(matches!(write_session(&file.join("in").join("a.nwb"), &session), Err(Error::Io { .. })));
    assert!(matches!(write_session(folder.path(), &session), Err(Error::Io { .. })));
    session.response_v.pop();
    let error = write_session(&file, &session).unwrap_err();
    assert!(matches!(error, Error::Length { .. }) && error.to_string().contains("response"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_session_without_spikes_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silent.nwb");
    let session = simulate_plan(&[Protocol::Test], &NeuronParameters::default(), 0);
    assert!(session.spike_times_s.is_empty());
    write_session(&path, &session).unwrap();
    let file = File::open(&path).unwrap();
    assert_eq!(file.dataset("/units/spike_times").unwrap().size(), 0);
    write_session(&path, &simulate_plan(&[], &NeuronParameters::default(), 0)).unwrap();
}

fn text_of(object: &hdf5::Location, attribute: &str) -> String {
    object.attr(attribute).unwrap().read_scalar::<VarLenUnicode>().unwrap().to_string()
}

fn link_type(group: &hdf5::Group, name: &str) -> Option<LinkType> {
    group
        .find_link(IndexType::default(), IterationOrder::default(), |link, info| {
            Ok((link == name).then_some(info.link_type))
        })
        .unwrap()
}
