//! Programs run as a user does, in a folder of their own.
#![allow(unreachable_pub, reason = "a module of several binaries, none of which exports it")]

use std::path::Path;
use std::process::Command;

/// A program to be run in a folder, whatever the environment of the tests says. No test meets a GPU unless it asks for one.
pub fn command_in(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("RUST_BACKTRACE");
    for setting in ["BACKEND", "DEVICE", "THREADS", "PRECISION", "MEMORY_LIMIT", "SOFTWARE_GPU"] {
        command.env_remove(format!("RHEOBASE_{setting}"));
    }
    // Mesa's choice of a device writes to stderr without a desktop
    command.env("WGPU_BACKEND", "none").env("NODEVICE_SELECT", "1").env_remove("WGPU_ADAPTER_NAME");
    command
}
