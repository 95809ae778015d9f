//! A feature: parsed, printed, and computed on a small recording.
#![no_main]

#[path = "../../hostile/readers.rs"]
mod readers;

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};

static RECORDING: LazyLock<PathBuf> =
    LazyLock::new(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/nwb/recording.nwb")));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    readers::expect_help(&readers::feature(text, &RECORDING));
    Corpus::Keep
});
