//! A file of numpy: an array, an archive of arrays, or a model of NeMoS.
#![no_main]

#[path = "../../hostile/readers.rs"]
mod readers;
#[path = "../scratch.rs"]
mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    scratch::with_file("arrays", bytes, |path| readers::expect_clear(&readers::arrays(path), path));
});
