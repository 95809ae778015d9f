//! How a fit was carried out and why, for people (`--explain`).

use std::fmt::Write;

use crate::glm::Plan;

/// The plan of a fit to something of a `size`, which ran on a device.
pub(super) fn plan_text(plan: &Plan, device: &str, size: &str) -> String {
    let mut text = format!("\nplan: {} ({}) for {size}\n", plan.solver, plan.reason);
    // writing to a string cannot fail, here and below
    for estimate in &plan.estimates {
        let _ = writeln!(
            text,
            "  {} was expected to take {:.1} ms in kernels",
            estimate.solver,
            estimate.seconds * 1e3
        );
    }
    let _ = writeln!(text, "  by cost constants: {}", plan.constants);
    if plan.backend == "gpu" {
        let _ = writeln!(text, "  steps on {device}; the last ones and the proof on the CPU");
    }
    let (arithmetic, level) = (plan.arithmetic(), &plan.level);
    let _ = writeln!(text, "  columns centred and scaled, in {arithmetic}; vector instructions: {level}");
    let n_rows = plan.n_rows;
    let part = |n: usize| if n == n_rows { "all rows".into() } else { format!("{n} of {n_rows} rows") };
    let _ = writeln!(text, "  preconditioner: the flat Gram of {}", part(plan.n_gram_rows));
    for own in &plan.features {
        let (feature, n_columns, form) = (&own.feature, own.n_columns, &own.form);
        let megabytes = own.n_bytes as f64 / 1e6;
        if own.is_written() {
            if plan.backend == "gpu" {
                let _ = writeln!(text, "  {feature}: {n_columns} columns {form} there, {megabytes:.1} MB");
            }
            continue;
        }
        let kept = match own.n_bytes_kept as f64 / 1e6 {
            kept if kept >= 1.0 => format!(", what stands for them {kept:.0} MB"),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "  {feature}: {n_columns} columns {form}; written out they take {megabytes:.0} MB{kept}"
        );
    }
    match (plan.n_taken_over, plan.newton_if_slow) {
        (0, false) => {}
        (0, true) => text.push_str("  no target was so slow that newton had to go on with it\n"),
        (n, _) => {
            let _ = writeln!(
                text,
                "  newton went on with {n} of {} targets, with which lbfgs was slow",
                plan.n_targets
            );
        }
    }
    if let Some(n) = plan.n_sample_rows {
        let _ = writeln!(text, "  the first steps saw {}", part(n));
    }
    text
}
