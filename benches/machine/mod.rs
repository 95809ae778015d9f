//! What the figures of a benchmark belong to.

/// Prints the version of the library, the CPU and its cores.
pub(crate) fn print() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_string())
    });
    let cpu = cpu.as_deref().unwrap_or(std::env::consts::ARCH);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("rheobase {}, {cpu}, {cores} cores, f64\n", env!("CARGO_PKG_VERSION"));
}
