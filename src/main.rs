//! The command line of rheobase: see [`rheobase::cli`].

fn main() -> std::process::ExitCode {
    rheobase::cli::run::main_with(std::env::args_os()).into()
}
