//! A study file: its keys and values, as they would be typed.
#![no_main]

#[path = "../../hostile/readers.rs"]
mod readers;
#[path = "../scratch.rs"]
mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    scratch::with_file("study", bytes, |path| readers::expect_clear(&readers::study(path), path));
});
