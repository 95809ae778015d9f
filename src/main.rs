//! The command line of rheobase: see [`rheobase::cli`].
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    rheobase::cli::run::main_with(std::env::args_os()).into()
}
