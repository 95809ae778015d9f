//! What this program makes of a recording against what follows from the values of the second reader.

use std::path::Path;

use hdf5_reader::{Dataset, Hdf5File};
use rheobase::read::nwb::{self, NwbFile};
use rheobase::recording::{Entry, Kind};

use crate::second::{number_of, numbers};

/// What was compared.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub(crate) series: u64,
    pub(crate) units: u64,
    pub(crate) tables: u64,
    pub(crate) values: u64,
}

fn same(ours: &[f64], theirs: &[f64], what: &str) -> u64 {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (row, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!(
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            "{what}: row {row}: {a} is not {b}"
        );
    }
    ours.len() as u64
}

impl Derived {
    /// Compares a file, if it is a recording.
    pub(crate) fn add(&mut self, path: &Path) {
        let Ok(file) = nwb::open(path) else { return };
        let second = Hdf5File::open(path).unwrap();
        for entry in file.recording().entries.iter().filter(|entry| entry.defect.is_none()) {
            match entry.kind {
                Kind::Series => self.series(&file, &second, entry),
                Kind::Units => self.units(&file, &second, entry),
                Kind::Intervals => self.intervals(&file, &second, entry),
                Kind::Annotations | Kind::Unreadable => {}
            }
        }
    }

    fn series(&mut self, file: &NwbFile, second: &Hdf5File, entry: &Entry) {
        let series = file.series(&entry.path).unwrap();
        let n = series.n_samples();
        // times that are not in order are refused, and what was never written is not read
        let Some(samples) = Some(n).filter(|&n| n < 1 << 26).and_then(|n| series.read_rows(0..n, None).ok())
        else {
            return;
        };
        let find = |name: &str| second.dataset(&format!("{}/{name}", entry.path));
        let data = find("data").unwrap();
        let factor = |name: &str, otherwise: f64| data.attribute(name).map_or(otherwise, |at| number_of(&at));
        let (conversion, offset) = (factor("conversion", 1.0), factor("offset", 0.0));
        let n_columns = data.shape().get(1).map_or(1, |&n| n as usize);
        let channels = find("channel_conversion").map_or(vec![1.0; n_columns], |set| numbers(&set));
        let stored = numbers(&data);
        let is_plain = conversion == 1.0 && offset == 0.0 && channels.iter().all(|&factor| factor == 1.0);
        let converted = |(k, x): (usize, &f64)| {
            if is_plain { *x } else { x * conversion * channels[k % n_columns] + offset }
        };
        let theirs: Vec<f64> = stored.iter().enumerate().map(converted).collect();
        let ours: Vec<f64> = samples.values.iter().copied().collect();
        self.values += same(&ours, &theirs, &format!("{} data", entry.path));
        let times = match find("timestamps") {
            Ok(set) => numbers(&set),
            Err(_) => {
                let start = find("starting_time").unwrap();
                let (start_s, rate_hz) = (numbers(&start)[0], number_of(&start.attribute("rate").unwrap()));
                (0..n).map(|row| start_s + row as f64 / rate_hz).collect()
            }
        };
        self.values += same(&samples.t, &times, &format!("{} times", entry.path));
        self.series += 1;
    }

    fn units(&mut self, file: &NwbFile, second: &Hdf5File, entry: &Entry) {
        let ours = file.units_named(&entry.path).unwrap();
        let find = |name: &str| second.dataset(&format!("{}/{name}", entry.path));
        let (times, ends) =
            (numbers(&find("spike_times").unwrap()), numbers(&find("spike_times_index").unwrap()));
        let mut first = 0;
        assert_eq!(ours.spike_times.len(), ends.len());
        for (own, end) in ours.spike_times.iter().zip(ends) {
            let mut theirs: Vec<f64> = times[first..end as usize].to_vec();
            // what is no time is dropped, and the others are sorted; both are said
            theirs.retain(|time| time.is_finite());
            theirs.sort_by(f64::total_cmp);
            self.values += same(own, &theirs, &entry.path);
            first = end as usize;
        }
        if let Ok(ids) = find("id") {
            let own: Vec<f64> = ours.ids.iter().map(|&id| id as f64).collect();
            self.values += same(&own, &numbers(&ids), &entry.path);
        }
        self.units += ours.ids.len() as u64;
    }

    fn intervals(&mut self, file: &NwbFile, second: &Hdf5File, entry: &Entry) {
        let ours = file.intervals(&entry.path).unwrap();
        let find = |name: &str| -> Dataset { second.dataset(&format!("{}/{name}", entry.path)).unwrap() };
        let (start, stop) = (numbers(&find("start_time")), numbers(&find("stop_time")));
        let is_usable =
            |&row: &usize| start[row].is_finite() && stop[row].is_finite() && start[row] < stop[row];
        let mut rows: Vec<usize> = (0..start.len()).filter(is_usable).collect();
        rows.sort_by(|&a, &b| start[a].total_cmp(&start[b]));
        let pick = |all: &[f64]| rows.iter().map(|&row| all[row]).collect::<Vec<f64>>();
        self.values += same(&ours.start_s, &pick(&start), &entry.path);
        self.values += same(&ours.stop_s, &pick(&stop), &entry.path);
        self.tables += 1;
    }
}
