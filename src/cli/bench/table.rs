//! The results of `rheobase bench` for people.

use serde_json::Value;

use crate::number;
use crate::write::table::terminal_table;

/// The head of the table.
const HEADER: [&str; 9] =
    ["workload", "size", "threads", "median", "quartiles", "evaluation", "loss gap", "passes", "peak memory"];

/// Machine and one line per result.
pub(super) fn text(document: &Value) -> String {
    let machine = &document["machine"];
    let results = document["results"].as_array().map_or(&[][..], Vec::as_slice);
    let quick = if results.iter().any(|result| result["quick"] == true) {
        "quick: fewer rows and repetitions than the workload has\n"
    } else {
        ""
    };
    let roofs = roofs(&document["roofs"]);
    let rows: Vec<Vec<String>> = results.iter().map(row).collect();
    let twins: String = results.iter().filter_map(twin).collect();
    format!(
        "rheobase {}, {}, {} cores, {}\n{roofs}{quick}{}\n{twins}",
        document["version"].as_str().unwrap_or_default(),
        machine["processor"].as_str().unwrap_or_default(),
        machine["cores"],
        machine["vector_instructions"].as_str().unwrap_or_default(),
        terminal_table(&HEADER, &rows, None)
    )
}

/// One line, empty where they were not measured.
fn roofs(roofs: &Value) -> String {
    let number = |name: &str| roofs[name].as_f64().map_or_else(String::new, |value| format!("{value:.0}"));
    if roofs.is_null() {
        return String::new();
    }
    format!(
        "at most, with {} threads: {} GFLOP/s in f32, {} in f64; {} GB/s read from cache, {} from memory, {} written\n",
        roofs["threads"],
        number("f32_gflops"),
        number("f64_gflops"),
        number("cache_read_gb_per_s"),
        number("memory_read_gb_per_s"),
        number("memory_write_gb_per_s"),
    )
}

/// How far a fit without features is from one with them.
fn twin(result: &Value) -> Option<String> {
    let difference = number::from_value(&result["difference_from_dense_fit"])?;
    let (workload, n_rows) = (result["workload"].as_str()?, result["dense_fit_rows"].as_u64()?);
    Some(format!(
        "{workload}: of {n_rows} bins, coefficients differ by {difference:.0e} from those with features\n"
    ))
}

fn row(result: &Value) -> Vec<String> {
    let seconds = &result["seconds"];
    let time = |name: &str| seconds[name].as_f64().map_or_else(String::new, duration);
    let has_arrived = result["converged"] != false;
    let gap = match number::from_value(&result["loss_gap"]) {
        Some(gap) if has_arrived => format!("{gap:.0e}"),
        Some(gap) => format!("{gap:.0e}, not converged"),
        None => String::new(),
    };
    let memory = result["peak_memory_bytes"].as_f64();
    vec![
        result["workload"].as_str().unwrap_or_default().into(),
        size(result),
        result["threads"].to_string(),
        time("median"),
        format!("{} to {}", time("lower_quartile"), time("upper_quartile")),
        evaluation(result),
        gap,
        result["most_passes"].as_u64().map_or_else(String::new, |n| n.to_string()),
        memory.map_or_else(String::new, |bytes| format!("{:.0} MB", bytes / 1e6)),
    ]
}

/// `61.0 ms, 0.61 ns a bin`: one loss and gradient.
fn evaluation(result: &Value) -> String {
    let seconds = result["evaluation_seconds"]["median"].as_f64();
    match (seconds, result["evaluation_ns_per_bin"].as_f64()) {
        (Some(seconds), Some(ns)) => format!("{}, {ns:.2} ns a bin", duration(seconds)),
        _ => String::new(),
    }
}

/// `20 x 100000 x 160 f32`: targets, rows, columns.
fn size(result: &Value) -> String {
    let lengths = ["targets", "rows", "columns"].map(|name| result[name].as_u64());
    let lengths: Vec<String> = lengths.iter().flatten().map(u64::to_string).collect();
    format!("{} {}", lengths.join(" x "), result["precision"].as_str().unwrap_or_default()).trim().into()
}

/// Seconds with three digits.
fn duration(seconds: f64) -> String {
    let (value, unit) = if seconds < 1.0 { (seconds * 1e3, "ms") } else { (seconds, "s") };
    let decimals = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        for (seconds, text) in [(0.000_64, "0.64 ms"), (0.0421, "42.1 ms"), (0.25, "250 ms"), (1.8, "1.80 s")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_row_that_did_not_arrive_says_so() {
        let result = serde_json::json!({
            "workload": "b", "rows": 10, "columns": 2, "targets": 1, "precision": "f32", "threads": 1,
            "seconds": { "median": 0.5, "lower_quartile": 0.25, "upper_quartile": 1.0 },
            "converged": false, "loss_gap": 1e-3,
            "evaluation_seconds": { "median": 0.061 }, "evaluation_ns_per_bin": 0.614,
        });
        let evaluation = "61.0 ms, 0.61 ns a bin";
        let gap = "1e-3, not converged";
        let expected = ["b", "1 x 10 x 2 f32", "1", "500 ms", "250 ms to 1.00 s", evaluation, gap, "", ""];
        assert_eq!(row(&result), expected);
    }
}
