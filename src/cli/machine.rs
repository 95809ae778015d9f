//! The machine: memory and names, as far as the operating system tells.

use std::fs;
use std::path::{Component, Path, PathBuf};

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

/// Half of the memory of the machine, or of a control group that this process is in if one has less; `None` where unknown.
pub(super) fn default_memory_limit_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kilobytes(&text, "MemTotal:"));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group_limit_bytes(Path::new("/sys/fs/cgroup"), &groups);
    machine.into_iter().chain(group).min().map(|bytes| bytes / 2)
}

/// The smallest limit of memory of the control groups of a process, and of all that these are in; `groups` is what
/// `/proc/self/cgroup` says, `root` where the groups are mounted.
fn group_limit_bytes(root: &Path, groups: &str) -> Option<u64> {
    // `number:controllers:path`, with no controllers in version 2
    let of_line = |line: &str| -> Option<(Vec<PathBuf>, &'static str, PathBuf)> {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let inside =
            Path::new(path).components().filter(|part| matches!(part, Component::Normal(_))).collect();
        if controllers.is_empty() {
            return Some((vec![root.into(), root.join("unified")], "memory.max", inside));
        }
        let is_of_memory = controllers.split(',').any(|own| own == "memory");
        is_of_memory.then(|| (vec![root.join("memory")], "memory.limit_in_bytes", inside))
    };
    let limits = groups.lines().filter_map(of_line).flat_map(|(mounts, file, inside)| {
        let folders = mounts
            .into_iter()
            .flat_map(move |mount| inside.ancestors().map(|own| mount.join(own)).collect::<Vec<_>>());
        folders
            .filter_map(move |folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok())
    });
    limits.min()
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

    #[test]
    fn the_smallest_limit_of_a_group_and_of_those_around_it_counts() {
        let tree = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let limit = |groups: &str| group_limit_bytes(tree.path(), groups);
        put("jobs/memory.max", "4000\n");
        put("jobs/7/memory.max", "max\n");
        put("jobs/7/step/memory.max", "9000\n");
        put("memory/slurm/memory.limit_in_bytes", "3000\n");
        put("memory/slurm/job/memory.limit_in_bytes", "9223372036854771712\n");
        // version 2: that of the jobs is above that of the step
        assert_eq!(limit("0::/jobs/7/step\n"), Some(4000));
        assert_eq!(limit("0::/jobs\n"), Some(4000));
        assert_eq!(limit("0::/elsewhere\n"), None);
        // version 1, alone and beside version 2
        let first = "12:cpuset:/x\n3:cpu,memory:/slurm/job\n";
        assert_eq!(limit(first), Some(3000));
        assert_eq!(limit(&format!("{first}0::/jobs/7\n")), Some(3000));
        // a path of another space of names leads no further than the root
        put("memory.max", "5000\n");
        assert_eq!(limit("0::/../../away\n"), Some(5000));
        assert_eq!(limit(""), None);
    }
}
