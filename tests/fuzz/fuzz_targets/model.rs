//! A model file of either kind, and the result of a fit as a plan: read, used, and written again.
#![no_main]

#[path = "../../hostile/readers.rs"]
mod readers;
#[path = "../scratch.rs"]
mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    scratch::with_file("model", bytes, |path| readers::expect_clear(&readers::model(path), path));
});
