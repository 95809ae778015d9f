//! `rheobase bench`: how long the built-in workloads take on this machine, and how good their results are.
//!
//! With one workload everything happens in this process. With several, or with several numbers of threads, each is a
//! process of its own, so that no workload meets the memory or the threads of the one before it, and the peak of its
//! memory is its own.

mod against_roofs;
mod args;
mod arrays_file;
mod calibrate;
mod children;
mod device;
mod kernels;
mod measure;
mod operations;
mod problem;
mod roofs;
mod serve;
mod table;
mod timing;
mod workloads;

pub use args::{BenchArgs, Other, Part, Workload};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::machine::processor;
use super::run::{Report, pretty, say, settle_threads};
use crate::backend::cpu::simd::Level;
use crate::write::save::{check_writable, save_bytes};
use crate::{Error, Result};

/// Times workloads, serves fits, measures speeds or writes data, as the arguments say.
pub(super) fn bench(args: &BenchArgs) -> Result<Report> {
    match &args.other {
        Some(Other::Serve(fit)) => serve::serve(fit),
        None => match &args.calibrate {
            Some(path) => calibrate::calibrate(args, path),
            None if args.compares() => device::device(args),
            None if args.kernels => against_roofs::against_roofs(args),
            None => built_in(args),
        },
    }
}

fn built_in(args: &BenchArgs) -> Result<Report> {
    let workloads =
        if args.workload.is_empty() { Workload::value_variants() } else { args.workload.as_slice() };
    let nothing = |converged| Report { text: String::new(), converged };
    if let Some(folder) = &args.write_data {
        settle_threads(args.threads)?;
        check_writable(folder)?;
        for &workload in workloads {
            measure::write(workload, args.quick, folder)?;
            say(&format!("workload {} written to {}", workload.name(), folder.display()));
        }
        return Ok(nothing(true));
    }
    if args.each_line {
        let &[workload] = workloads else {
            let found = format!("{} workloads", workloads.len());
            return Err(Error::argument("--each-line", "one workload", found, "add --workload c"));
        };
        settle_threads(args.threads)?;
        return measure::each_line(workload, args.quick).map(|()| nothing(true));
    }
    if let Some(folder) = &args.out {
        check_writable(folder)?;
    }
    let results = results(args, workloads)?;
    report(args, results)
}

/// One result for each workload and number of threads.
fn results(args: &BenchArgs, workloads: &[Workload]) -> Result<Vec<Value>> {
    if let (&[workload], false) = (workloads, args.threads_sweep) {
        settle_threads(args.threads)?;
        return Ok(vec![measure::measure(workload, args.quick)?]);
    }
    let all = args.threads.unwrap_or_else(n_cores);
    let numbers = if args.threads_sweep { sweep(n_cores()) } else { vec![all] };
    let mut results = Vec::new();
    for &workload in workloads {
        for &n_threads in &numbers {
            let mut document = children::run(workload, args.quick, n_threads)?;
            results.push(document["results"][0].take());
        }
    }
    Ok(results)
}

/// 1, 2, 4, .. and all cores.
fn sweep(n_cores: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1), |n| Some(2 * n)).take_while(|&n| n < n_cores);
    powers.chain([n_cores]).collect()
}

fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Machine and results, printed and written.
fn report(args: &BenchArgs, results: Vec<Value>) -> Result<Report> {
    // a child of a run of several measures none of its own
    let roofs = if args.no_roofs { Value::Null } else { roofs::roofs(args.threads.unwrap_or_else(n_cores)) };
    let converged = results.iter().all(|result| result["converged"] != false);
    let document = json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "machine": {
            "processor": processor(),
            "cores": n_cores(),
            "vector_instructions": Level::best().name(),
            "system": std::env::consts::OS,
        },
        "roofs": roofs,
        "results": results,
    });
    let (text, json) = (table::text(&document), pretty(&document));
    if let Some(folder) = &args.out {
        save_bytes(&folder.join("bench.txt"), text.as_bytes())?;
        save_bytes(&folder.join("bench.json"), json.as_bytes())?;
        say(&format!("2 files written to {}", folder.display()));
    }
    Ok(Report { text: if args.json { json } else { text }, converged })
}

#[cfg(test)]
mod tests {
    use super::sweep;

    #[test]
    fn a_sweep_ends_with_all_cores() {
        for (n, numbers) in [(1, vec![1]), (2, vec![1, 2]), (6, vec![1, 2, 4, 6]), (8, vec![1, 2, 4, 8])] {
            assert_eq!(sweep(n), numbers);
        }
    }
}
