//! What was checked, for people.

use std::fmt::Write;

use super::super::fit_text::{bins_line, labelled_bins_line};
use super::{Checked, Outcome};
use crate::solver::Status;
use crate::write::table::terminal_table;

/// Most targets that are shown; the result has all.
const MOST_ROWS: usize = 40;

pub(super) fn text(outcome: &Outcome) -> String {
    let mut text =
        if outcome.is_labelled { labelled_bins_line(&outcome.data) } else { bins_line(&outcome.data) };
    // those that disagree first
    let mut shown: Vec<&Checked> = outcome.targets.iter().collect();
    shown.sort_by_key(|target| target.is_proven());
    let rows: Vec<Vec<String>> = shown.iter().take(MOST_ROWS).map(|target| row(target)).collect();
    let header = [
        "target",
        "status",
        "KKT stored",
        "recomputed",
        "loss gap stored",
        "recomputed",
        "loss stored",
        "recomputed",
        "verdict",
    ];
    text.push_str(terminal_table(&header, &rows, None).trim_end());
    text.push('\n');
    if shown.len() > MOST_ROWS {
        // writing to a string cannot fail, here and below
        let _ = writeln!(text, "{} more targets: --json, or --out DIR", shown.len() - MOST_ROWS);
    }
    let n_proven = shown.iter().filter(|target| target.is_proven()).count();
    let (n, tolerance) = (shown.len(), outcome.tolerance);
    let _ = writeln!(
        text,
        "{n_proven} of {n} at the optimum by a second computation (tolerance {tolerance:.0e}: KKT residual at most {:.0e})",
        tolerance.sqrt()
    );
    // in the order of the targets, the same words once
    let mut left_out: Vec<(&str, usize)> = Vec::new();
    for own in outcome.targets.iter().flat_map(|target| &target.verdict.left_out) {
        match left_out.iter_mut().find(|(words, _)| words == own) {
            Some((_, n)) => *n += 1,
            None => left_out.push((own, 1)),
        }
    }
    for (words, n_targets) in left_out.iter().take(MOST_ROWS) {
        let whose = if n == 1 { String::new() } else { format!(" ({n_targets} of {n})") };
        let _ = writeln!(text, "not checked{whose}: {words}");
    }
    text
}

fn row(target: &Checked) -> Vec<String> {
    let stored = &target.stored;
    let found = target.found.as_ref();
    let small = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.1e}"));
    let known = |value: f64| found.map(|_| value);
    let loss = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.10e}"));
    let verdict = match (target.verdict.agrees(), stored.status) {
        (true, Status::Converged) if target.verdict.is_hidden => {
            "agrees; rounding hides whether it is proven".into()
        }
        (true, Status::Converged) => "agrees".into(),
        (true, status) => format!("agrees; not at an optimum ({})", status.name()),
        (false, _) => format!("DISAGREES: {}", target.verdict.disagreements.join("; ")),
    };
    vec![
        target.name.clone(),
        stored.status.name().into(),
        small(known(stored.kkt_residual)),
        small(found.map(|found| found.kkt_residual)),
        small(known(stored.loss_gap)),
        small(found.and_then(|found| found.loss_gap)),
        loss(known(stored.loss)),
        loss(found.map(|found| found.loss)),
        verdict,
    ]
}
