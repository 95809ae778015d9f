//! A table of numbers or texts.
#![no_main]

#[path = "../../hostile/readers.rs"]
mod readers;
#[path = "../scratch.rs"]
mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    scratch::with_file("csv", bytes, |path| readers::expect_clear(&readers::csv(path), path));
});
