//! `rheobase simulate coupled`: a recording of units that act on each other, and the couplings that a fit should find.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::machine::default_memory_limit_bytes;
use super::super::progress::Progress;
use super::super::run::{Report, pretty, say};
use super::super::shell::{option_words, shell_word};
use super::args::CoupledArgs;
use super::{growth_line, held_warning, most_expected};
use crate::simulate::{Network, SimulatedPopulation};
use crate::write::nwb::write_population;
use crate::write::save::{PendingFile, check_writable_file};
use crate::write::table::{Values, csv_bytes};
use crate::{Error, Result, number};

/// Simulates and writes the recording and its truth.
pub(super) fn coupled(args: &CoupledArgs) -> Result<Report> {
    if args.out.extension().is_none_or(|ending| ending != "nwb") {
        let found = args.out.display().to_string();
        return Err(Error::argument("--out", "a file that ends in .nwb", found, "write it like coupled.nwb"));
    }
    let truth = [beside(&args.out, "couplings"), beside(&args.out, "filters")];
    for path in truth.iter().chain([&args.out]) {
        check_writable_file(path)?;
    }
    let parameters = args.parameters()?;
    most_expected(args.max_rate, args.bin)?;
    let limit_bytes = args.memory_limit.or_else(default_memory_limit_bytes);
    let needed_bytes = parameters.needed_bytes(args.duration);
    if let Some(limit_bytes) = limit_bytes.filter(|limit| needed_bytes > *limit) {
        let what = format!("a simulation of {} coupled units", args.units);
        return Err(Error::Memory { what, needed_bytes, limit_bytes });
    }
    let progress = Progress::new(args.quiet);
    progress.stage("simulating", None);
    let population =
        Network::random(&parameters, args.seed)?.simulate(args.duration, args.max_rate, args.seed)?;
    progress.stage("writing", None);
    // all are complete before the first is renamed
    let mut files = vec![write_population(&args.out, &population)?];
    for (path, bytes) in truth.iter().zip([couplings(&population.network)?, filters(&population.network)?]) {
        files.push(PendingFile::write(path, |file| {
            std::io::Write::write_all(file, &bytes).map_err(|error| Error::io(path, error))
        })?);
    }
    files.into_iter().try_for_each(PendingFile::commit)?;
    drop(progress);
    let text = if args.json { json(args, &truth, &population) } else { text(args, &truth, &population) };
    if !args.quiet {
        warnings(args, &population).iter().for_each(|warning| say(&format!("warning: {warning}")));
        let written: Vec<String> =
            [&args.out].into_iter().chain(&truth).map(|path| path.display().to_string()).collect();
        say(&format!("written: {}", written.join(", ")));
    }
    Ok(Report { text, converged: true })
}

/// What a user should not overlook.
fn warnings(args: &CoupledArgs, population: &SimulatedPopulation) -> Vec<String> {
    let growth = (population.growth > 1.0).then(|| {
        format!(
            "a spike leads to {:.2} others at these rates (more than 1): the population may run away \
             and be held by the largest rate alone; lower --strength or --inputs",
            population.growth
        )
    });
    growth.into_iter().chain(held_warning(population.n_held, "bins", args.max_rate)).collect()
}

/// `coupled-couplings.csv` of `coupled.nwb`.
fn beside(path: &Path, what: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{what}.csv"))
}

/// Pairs of units with what names them.
fn pairs(network: &Network) -> (Vec<(usize, usize)>, [Vec<String>; 2]) {
    let n = network.intercepts.len();
    let pairs: Vec<(usize, usize)> = (0..n * n).map(|k| (k / n, k % n)).collect();
    let names =
        [pairs.iter().map(|p| p.0.to_string()).collect(), pairs.iter().map(|p| p.1.to_string()).collect()];
    (pairs, names)
}

fn couplings(network: &Network) -> Result<Vec<u8>> {
    let (pairs, [receiving, sending]) = pairs(network);
    let areas: Vec<f64> = pairs.iter().map(|&(i, j)| network.area_s(i, j)).collect();
    csv_bytes(&[
        ("receiving", Values::Texts(&receiving)),
        ("sending", Values::Texts(&sending)),
        ("area_s", areas.as_slice().into()),
    ])
}

/// Filters that are not 0, lag by lag.
fn filters(network: &Network) -> Result<Vec<u8>> {
    let n_lags = network.filters.dim().2;
    let (mut receiving, mut sending, mut lags, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, j) in pairs(network).0.into_iter().filter(|&(i, j)| network.area_s(i, j) != 0.0) {
        receiving.extend(vec![i.to_string(); n_lags]);
        sending.extend(vec![j.to_string(); n_lags]);
        lags.extend((1..=n_lags).map(|lag| lag as f64 * network.bin_s));
        values.extend((0..n_lags).map(|lag| network.filters[(i, j, lag)]));
    }
    csv_bytes(&[
        ("receiving", Values::Texts(&receiving)),
        ("sending", Values::Texts(&sending)),
        ("lag_s", lags.as_slice().into()),
        ("filter", values.as_slice().into()),
    ])
}

/// Couplings between different units.
fn n_couplings(network: &Network) -> usize {
    pairs(network).0.into_iter().filter(|&(i, j)| i != j && network.area_s(i, j) != 0.0).count()
}

/// The line that fits the recording.
fn next(args: &CoupledArgs, truth: &Path) -> String {
    let (file, truth) = (shell_word(&args.out.display().to_string()), truth.display().to_string());
    let functions = if args.bin <= 2e-3 { 5 } else { 3 };
    // whole bins, as many as act
    let (bin, window) = (ms(args.bin), ms((0.05 / args.bin).round() * args.bin));
    let fit = format!(
        "rheobase fit {file} --epochs simulated --unit all --bin {bin}ms \
         --feature 'units : raised-cosine-log({functions}, window={window}ms)' --out out"
    );
    // fewer units have too few pairs to compare
    if args.units < 3 {
        return fit;
    }
    format!("{fit} {}", option_words("--true-couplings", &truth).join(" "))
}

/// Milliseconds of a time, without the rounding of its last digits.
fn ms(time_s: f64) -> f64 {
    (time_s * 1e12).round() / 1e9
}

fn text(args: &CoupledArgs, truth: &[PathBuf; 2], population: &SimulatedPopulation) -> String {
    let SimulatedPopulation { duration_s, network, spike_times_s, n_held, growth, seed } = population;
    let n_spikes: usize = spike_times_s.iter().map(Vec::len).sum();
    let n = spike_times_s.len();
    let mean_hz = n_spikes as f64 / n as f64 / duration_s;
    format!(
        "{}: {n} units, {duration_s} s in bins of {} ms, seed {seed}: {n_spikes} spikes, {mean_hz:.2} Hz on average\n\
         {} couplings between {} pairs of units, {} negative\n\
         rates held at {} Hz at most (--max-rate): {n_held} bins\n\
         {}\
         next: {}\n",
        args.out.display(),
        ms(network.bin_s),
        n_couplings(network),
        n * (n - 1),
        pairs(network).0.into_iter().filter(|&(i, j)| i != j && network.area_s(i, j) < 0.0).count(),
        args.max_rate,
        growth_line(*growth, *n_held),
        next(args, &truth[0]),
    )
}

fn json(args: &CoupledArgs, truth: &[PathBuf; 2], population: &SimulatedPopulation) -> String {
    let SimulatedPopulation { duration_s, network, spike_times_s, n_held, growth, seed } = population;
    pretty(&json!({
        "schema": crate::write::model::SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "out": args.out,
        "couplings": truth[0],
        "filters": truth[1],
        "seed": seed,
        "units": spike_times_s.len(),
        "duration_s": duration_s,
        "bin_s": network.bin_s,
        "n_spikes": spike_times_s.iter().map(Vec::len).collect::<Vec<usize>>(),
        "n_couplings": n_couplings(network),
        "max_rate_hz": args.max_rate,
        "n_held": n_held,
        "growth": number::to_value(*growth),
        "warnings": warnings(args, population),
    }))
}
