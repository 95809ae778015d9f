//! The command line of rheobase.
fn main() {}
