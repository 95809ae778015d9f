//! The epochs of a study, and bins that fit them.

use super::Signal;
use super::dataset::Request;
use crate::read::nwb::NwbFile;
use crate::recording::{Epoch, Kind};
use crate::time::{BinGrid, IntervalSet};
use crate::{Error, Result};

/// The table of times when the recording was disturbed, which are epochs only for who asks for them.
pub const INVALID_TIMES: &str = "invalid_times";

/// The epochs asked for, in order, and their union.
pub(super) fn support(
    file: &NwbFile,
    request: &Request,
    notices: &mut Vec<String>,
) -> Result<(Vec<Epoch>, IntervalSet)> {
    let mut epochs: Vec<Epoch> = Vec::new();
    for selector in &request.epochs {
        for epoch in file.epochs(selector)? {
            if !epochs.contains(&epoch) {
                epochs.push(epoch);
            }
        }
    }
    if request.epochs.is_empty() {
        epochs.push(whole(file, request)?);
        if file.recording().of_kind(Kind::Intervals).any(|entry| entry.key == INVALID_TIMES) {
            notices.push(format!("the whole recording is used, its {INVALID_TIMES} as well"));
        }
    }
    epochs.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    if let Some(k) = request.epoch {
        if k >= epochs.len() {
            return Err(Error::argument(
                "epoch",
                format!("a number below {} (they count from 0)", epochs.len()),
                k.to_string(),
                "leave --epoch out to use all matching epochs",
            ));
        }
        epochs = vec![epochs.swap_remove(k)];
    }
    let start: Vec<f64> = epochs.iter().map(|epoch| epoch.start_s).collect();
    let stop: Vec<f64> = epochs.iter().map(|epoch| epoch.stop_s).collect();
    let (support, told) = IntervalSet::with_metadata(&start, &stop, crate::time::Metadata::default())?;
    notices.extend(told);
    if request.except.is_empty() {
        return Ok((epochs, support));
    }
    let left = support.set_diff(&request.except);
    if left.is_empty() {
        let what = request.epochs.join(", ");
        let expected = "some that were not fitted";
        let help = "fit fewer epochs (--epoch K), or test on others";
        return Err(Error::argument("epochs", expected, format!("{what}, all of which were"), help));
    }
    let left_out_s = support.tot_length() - left.tot_length();
    if left_out_s > 0.0 {
        let seconds = (left_out_s * 1e6).round() / 1e6;
        notices.push(format!("{seconds} s that were fitted are left out"));
    }
    Ok((epochs, left))
}

/// Refuses a bin that is longer than every epoch. A grid keeps a bin whose centre lies inside, but counts over
/// half of a bin are no rate.
pub(super) fn refuse_long_bin(grid: &BinGrid) -> Result<()> {
    let longest_s = grid.support().iter().map(|(start, end)| end - start).fold(0.0, f64::max);
    // an epoch that is as long as the bin may differ from it by rounding
    if grid.n_bins() > 0 && grid.bin_s() <= longest_s * (1.0 + 1e-9) {
        return Ok(());
    }
    Err(Error::argument(
        "bin",
        format!("at most the longest epoch, which lasts {} s", (longest_s * 1e9).round() / 1e9),
        format!("{} s", grid.bin_s()),
        "make the bin shorter, or choose longer epochs",
    ))
}

/// The whole recording as one epoch, for a file without interval tables.
fn whole(file: &NwbFile, request: &Request) -> Result<Epoch> {
    let tables: Vec<&str> =
        file.recording().of_kind(Kind::Intervals).map(|entry| entry.key.as_str()).collect();
    let is_epochs =
        |key: &str| key != INVALID_TIMES && file.intervals(key).map_or(true, |table| table.n_rows() > 0);
    let tables: Vec<&str> = tables.into_iter().filter(|key| is_epochs(key)).collect();
    if !tables.is_empty() {
        let tags = file.intervals("epochs").map(|table| table.tags()).unwrap_or_default();
        let present = tags.into_iter().chain(tables.into_iter().map(String::from)).collect::<Vec<_>>();
        return Err(Error::argument(
            "epochs",
            "which epochs to use",
            "nothing",
            format!("give --epochs one of: {}", present.join(", ")),
        ));
    }
    let mut terms = request.features.iter().flat_map(|feature| feature.spec.terms());
    let named = terms.find_map(|term| match &term.signal {
        Signal::Series { name, .. } => Some(name.as_str()),
        _ => None,
    });
    let span = match named.or(request.detect_spikes.as_deref()) {
        Some(name) => file.signal(name)?.series.span()?,
        None => {
            let times = file.units()?.spike_times;
            let times = times.iter().flatten();
            let (lo, hi) =
                times.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &t| (lo.min(t), hi.max(t)));
            (lo < hi).then_some((lo, hi))
        }
    };
    let Some((start_s, stop_s)) = span else {
        return Err(Error::Empty {
            what: file.recording().path.display().to_string(),
            problem:
                "there are no interval tables, and no samples or spikes that tell when the recording was"
                    .into(),
            help: "add an epochs table to the file".into(),
        });
    };
    Ok(Epoch { table: "recording".into(), file_row: 0, start_s, stop_s })
}
