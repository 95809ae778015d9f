//! The machine: memory and names, as far as the operating system tells.

use std::fs;

/// Largest resident memory of this process so far, bytes; `None` where the system does not say.
pub(super) fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(&status, "VmHWM:")
}

/// Lets [`peak_memory_bytes`] count from now on, where the system can.
pub(super) fn forget_peak_memory() {
    // a system that cannot leaves the peak of the whole process
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Half of the memory of the machine, or of the control group if that has less; `None` where unknown.
pub(super) fn default_memory_limit_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kilobytes(&text, "MemTotal:"));
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min().map(|bytes| bytes / 2)
}

/// Name of the processor.
pub(super) fn processor() -> String {
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_string())
    });
    model.unwrap_or_else(|| std::env::consts::ARCH.to_string())
}

fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_kilobytes() {
        assert_eq!(kilobytes("VmPeak:\t 12 kB\nVmHWM:\t    34 kB\n", "VmHWM:"), Some(34 * 1024));
        assert_eq!(kilobytes("VmPeak:\t 12 kB\n", "VmHWM:"), None);
    }
}
