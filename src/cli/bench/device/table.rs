//! The same for people.

use std::fmt::Write;

use serde_json::Value;

use super::contest::{Reached, Row};
use super::dense::size;
use crate::write::table::terminal_table;

/// Everything that was measured.
pub(super) fn text(document: &Value, rows: &[Row]) -> String {
    let has_gpu = !document["device"].is_null();
    let mut text = head(document);
    if !rows.is_empty() {
        text.push_str(&main_table(rows, has_gpu));
    }
    text.push_str(&fits(&document["fits"], has_gpu));
    text.push_str(&variants(&document["variants"]));
    text.push_str(&record(&document["record"]));
    text
}

/// What was timed, and what it can do at most. Writing to a string cannot fail, here and below.
fn head(document: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let (cpu, device) = (&document["roofs"]["cpu"], &document["device"]);
    let mut text = format!(
        "CPU: {}, {} threads, {}, in f32; at most {:.1} GB/s read, {:.3} TFLOP/s\n",
        word(&document["cpu"]),
        document["threads"],
        word(&document["vector_instructions"]),
        number(&cpu["bytes_per_s"]) / 1e9,
        number(&cpu["flop_per_s"]) / 1e12,
    );
    if !device.is_null() {
        let gpu = &document["roofs"]["gpu"];
        let giga = |name: &str| number(&gpu[name]) / 1e9;
        let _ = writeln!(
            text,
            "{}: {} ({}, {}), driver {}; at most {:.1} GB/s copied, {:.3} TFLOP/s, {:.2} GB/s sent, {:.2} GB/s read back, {:.0} us \
             for a submission{}",
            if document["is_gpu"] == true { "GPU" } else { "software adapter" },
            word(&device["name"]),
            word(&device["backend"]),
            word(&device["kind"]),
            word(&device["driver"]),
            giga("copy_bytes_per_s"),
            giga("flop_per_s") / 1e3,
            giga("upload_bytes_per_s"),
            giga("read_back_bytes_per_s"),
            number(&gpu["submission_s"]) * 1e6,
            if gpu["by_own_clock"] == true { "" } else { " (all by the host's clock)" },
        );
        if document["is_gpu"] != true {
            text.push_str("computes in software: these are not the figures of a GPU\n");
        }
    }
    if document["quick"] == true {
        text.push_str("quick: fewer and smaller sizes, fewer repetitions\n");
    }
    text
}

/// One line per work and size.
fn main_table(rows: &[Row], has_gpu: bool) -> String {
    let cells = |own: &Row| {
        let mut cells = vec![own.work.title().to_string(), own.size.text.clone()];
        cells.extend(reached(&own.on_cpu));
        let Some(gpu) = &own.on_gpu else {
            cells.push(format!("{:.0e}", own.on_cpu.error));
            return cells;
        };
        cells.extend(reached(gpu));
        cells.push(gpu.kernels.map_or("-".into(), |times| milliseconds(times.median)));
        cells.push(format!("{:.1}", own.on_cpu.evaluation.median / gpu.evaluation.median));
        cells.push(format!("{:.0e}", gpu.error.max(own.on_cpu.error)));
        cells
    };
    let mut header = vec!["", "", "CPU ms", "10 to 90 %", "of its roof"];
    if has_gpu {
        header.extend(["GPU ms", "10 to 90 %", "of its roof", "kernels ms", "CPU / GPU"]);
    }
    header.push("error");
    table(&header, &rows.iter().map(cells).collect::<Vec<_>>())
}

fn reached(own: &Reached) -> [String; 3] {
    let times = own.evaluation;
    [
        milliseconds(times.median),
        format!("{} to {}", milliseconds(times.tenth), milliseconds(times.ninetieth)),
        own.part_of_roof.map_or("-".into(), |part| format!("{:.0} %", 100.0 * part)),
    ]
}

fn fits(fits: &Value, has_gpu: bool) -> String {
    let all = list(fits);
    if all.is_empty() {
        return String::new();
    }
    let seconds = |own: &Value| format!("{:.4}", number(&own["seconds"]["median"]));
    let cells = |own: &Value| {
        let mut cells = vec![dense(own), seconds(&own["cpu"])];
        let last = if has_gpu { &own["gpu"] } else { &own["cpu"] };
        if has_gpu {
            cells.push(seconds(&own["gpu"]));
        }
        cells.push(format!("{:.0e}", number(&last["coefficients_apart"])));
        cells.push(format!("{:.0e}", number(&last["loss_apart"])));
        cells
    };
    let mut header = vec!["certified fits", "CPU s"];
    if has_gpu {
        header.push("GPU s");
    }
    header.extend(["coefficients apart", "loss apart"]);
    table(&header, &all.iter().map(cells).collect::<Vec<_>>())
}

fn variants(variants: &Value) -> String {
    let time = |own: &Value| own["median"].as_f64().map_or("-".into(), milliseconds);
    let cells = |own: &Value| {
        let ratio = own["accuracy_ratio"].as_f64();
        vec![
            own["variant"].as_str().unwrap_or_default().into(),
            dense(own),
            time(&own["evaluation_s"]),
            time(&own["kernels_s"]),
            ratio.map_or_else(
                || own["left_out"].as_str().unwrap_or_default().into(),
                |ratio| format!("{ratio:.0e}"),
            ),
        ]
    };
    let gradients: Vec<Vec<String>> = list(&variants["gradients"]).iter().map(cells).collect();
    if gradients.is_empty() {
        return String::new();
    }
    let header = ["loss and gradient", "", "GPU ms", "kernels ms", "error of what was added"];
    let sent = |own: &Value| {
        format!("{:.2} GB/s in pieces of {} MiB", number(&own["bytes_per_s"]) / 1e9, own["piece_mib"])
    };
    let sent: Vec<String> = list(&variants["uploads"]).iter().map(sent).collect();
    format!("{}sent: {}\n", table(&header, &gradients), sent.join(", "))
}

fn record(record: &Value) -> String {
    if record.is_null() {
        return String::new();
    }
    let sizes = &record["subgroup_sizes"];
    let mut text = format!(
        "wgpu {}, subgroups of {} to {}\nlimits (adapter, as asked for):",
        record["wgpu"].as_str().unwrap_or_default(),
        sizes[0],
        sizes[1]
    );
    for (name, limit) in record["limits"].as_object().into_iter().flatten() {
        let _ = write!(text, " {name} {} {};", limit["adapter"], limit["device"]);
    }
    text.push('\n');
    for own in list(&record["exponentials"]) {
        let of = |name: &str| number(&own[name]);
        let _ = writeln!(
            text,
            "exp on [{}, {}]: largest error {:.1e}, mean {:.0e}; the compiler's {:.1e}, mean {:.0e}, {:.2} of what WGSL allows",
            own["from"],
            own["to"],
            of("own"),
            of("own_bias"),
            of("built_in"),
            of("built_in_bias"),
            of("built_in_of_bound"),
        );
    }
    let two = &record["two_sum"];
    let _ = writeln!(
        text,
        "rests of sums that survive the compiler: {} of {} as written, {} pinned",
        two["n_plain"], two["n"], two["n_pinned"]
    );
    let ratio = |own: &Value| {
        vec![dense(own), format!("{:.1e}", number(&own["gpu"])), format!("{:.1e}", number(&own["cpu_f32"]))]
    };
    let ratios: Vec<Vec<String>> = list(&record["accuracy"]).iter().map(ratio).collect();
    text.push_str(&table(&["gradient: error of what was added", "GPU", "CPU in f32"], &ratios));
    let compiled = |own: &Value| {
        vec![
            own["kernel"].as_str().unwrap_or_default().into(),
            own["n"].to_string(),
            milliseconds(number(&own["median_s"])),
            milliseconds(number(&own["longest_s"])),
        ]
    };
    let compiled: Vec<Vec<String>> = list(&record["compiled"]).iter().map(compiled).collect();
    text.push_str(&table(&["compiled", "pipelines", "median ms", "longest ms"], &compiled));
    text
}

/// Rows, columns, targets of an object.
fn dense(own: &Value) -> String {
    size(["rows", "columns", "targets"].map(|name| own[name].as_u64().unwrap_or(0) as usize)).text
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.3}", seconds * 1e3)
}

fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    format!("{}\n", terminal_table(header, rows, None).trim_end())
}
