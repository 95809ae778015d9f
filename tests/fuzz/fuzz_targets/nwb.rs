//! An NWB file: opened, listed, and read to the last value.
#![no_main]

#[path = "../../hostile/readers.rs"]
mod readers;
#[path = "../scratch.rs"]
mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    scratch::with_file("nwb", bytes, |path| readers::expect_clear(&readers::nwb(path), path));
});
