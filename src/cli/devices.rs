//! `rheobase devices`: the GPUs of this machine, and whether fits can use them.

use clap::Args;
use serde_json::{Value, json};

use super::examples::DEVICES_HELP;
use super::machine::processor;
use super::run::{Report, pretty};

/// Arguments of `devices`.
#[derive(Debug, Args)]
#[command(after_help = DEVICES_HELP)]
pub struct DevicesArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists adapters.
pub(super) fn devices(args: &DevicesArgs) -> Report {
    let text = if args.json { pretty(&document()) } else { text() };
    Report { text, converged: true }
}

#[cfg(not(feature = "gpu"))]
fn document() -> Value {
    json!({ "cpu": processor(), "devices": [], "gpu_support": false })
}

#[cfg(not(feature = "gpu"))]
fn text() -> String {
    format!("cpu: {}\nno GPU: this program was built without the feature `gpu`\n", processor())
}

#[cfg(feature = "gpu")]
fn document() -> Value {
    let devices: Vec<Value> = found()
        .iter()
        .map(|(facts, why_not)| {
            let mut device = json!(facts);
            device["usable"] = why_not.is_none().into();
            device["why_not"] = json!(why_not);
            device
        })
        .collect();
    json!({ "cpu": processor(), "devices": devices, "gpu_support": true })
}

/// The adapters, and why fits do not use them without being asked for by name.
#[cfg(feature = "gpu")]
fn found() -> Vec<(crate::backend::gpu::adapter::Facts, Option<String>)> {
    use crate::backend::gpu::adapter;
    let why_not = |facts: &adapter::Facts| {
        let software = facts.is_software() && !adapter::software_counts();
        let named = "computes in software: used only where --device names it".to_string();
        facts.unusable.clone().or(software.then_some(named))
    };
    adapter::list().into_iter().map(|facts| (facts.clone(), why_not(&facts))).collect()
}

#[cfg(feature = "gpu")]
fn text() -> String {
    use crate::write::table::terminal_table;
    let found = found();
    let mut text = format!("cpu: {}\n", processor());
    if found.is_empty() {
        text.push_str(
            "no GPU with Vulkan, Metal or DX12: fits are computed on the CPU\n(on Linux a GPU needs `libvulkan1` and its \
             vendor's graphics libraries; a container needs the graphics capability)\n",
        );
        return text;
    }
    let megabytes = |bytes: u64| format!("{}", bytes >> 20);
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(facts, why_not)| {
            vec![
                facts.number.to_string(),
                facts.name.clone(),
                facts.kind.into(),
                facts.backend.clone(),
                facts.driver.clone(),
                megabytes(facts.max_buffer_bytes),
                megabytes(facts.max_binding_bytes),
                why_not.clone().unwrap_or_else(|| "yes".into()),
            ]
        })
        .collect();
    let header = ["", "device", "kind", "through", "driver", "buffer MB", "binding MB", "usable"];
    text.push_str(&terminal_table(&header, &rows, Some(110)));
    text.push('\n');
    text
}
