//! The memory that is left for workers: that of the machine, and that of the control groups which
//! this process is in; and the choice of who goes first where none is left.

use std::path::{Path, PathBuf};

/// The memory that the master takes, at most, for a suite as large as the specification's.
const MASTER_BYTES: u64 = 128 << 20;
/// The memory that a worker takes while it is kept, with an emulator around it.
const WORKER_BYTES: u64 = 160 << 20;

/// The number of workers for which there is memory, at least one.
pub fn workers() -> usize {
    let free = free_bytes(Path::new("/"));
    free.map_or(usize::MAX, |bytes| {
        let workers = bytes.saturating_sub(MASTER_BYTES) / WORKER_BYTES;
        usize::try_from(workers).unwrap_or(usize::MAX).max(1)
    })
}

/// The highest badness that Linux lets a process have (proc_pid_oom_score_adj(5)).
const FIRST_TO_GO: &str = "1000";

/// Asks the system to kill a process before any other one where it has no memory left. A worker
/// that is killed costs a directive, and is started again; all verdicts would go with this program.
pub fn goes_first(process: u32) {
    // Where the system does not know of this, it chooses for itself.
    let _ = std::fs::write(format!("/proc/{process}/oom_score_adj"), FIRST_TO_GO);
}

/// The bytes that are free, where the system tells; its files are below `root`.
fn free_bytes(root: &Path) -> Option<u64> {
    let meminfo = std::fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let available = meminfo.lines().find_map(|line| {
        let rest = line.strip_prefix("MemAvailable:")?;
        let kib: u64 = rest.split_whitespace().next()?.parse().ok()?;
        Some(kib << 10)
    });
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let groups = groups.lines().filter_map(|line| group_bytes(root, line));
    available.into_iter().chain(groups).min()
}

/// The bytes that are free in a control group, of a line `NUMBER:CONTROLLERS:PATH`, and in those
/// above it.
fn group_bytes(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (mount, limit, usage) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max", "memory.current"),
        "memory" => (
            "sys/fs/cgroup/memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
        ),
        _other => return None,
    };
    let mount = root.join(mount);
    let group: PathBuf = mount.join(path.trim_start_matches('/'));
    let within = group.ancestors().take_while(|it| it.starts_with(&mount));
    let free = within.filter_map(|group| {
        let number = |file: &str| -> Option<u64> {
            let text = std::fs::read_to_string(group.join(file)).ok()?;
            text.trim().parse().ok()
        };
        // What the system keeps of files can be given up.
        let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let cached = stat.lines().find_map(|line| {
            let rest = line.strip_prefix("total_").unwrap_or(line);
            rest.strip_prefix("inactive_file ")?.parse::<u64>().ok()
        });
        let used = number(usage)?.saturating_sub(cached.unwrap_or(0));
        Some(number(limit)?.saturating_sub(used))
    });
    free.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_all_limits_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let free = || free_bytes(folder.path()).map(|bytes| bytes >> 20);
        assert_eq!(free(), None);
        write(
            "proc/meminfo",
            "MemTotal: 9999999 kB\nMemAvailable: 2097152 kB\n",
        );
        assert_eq!(free(), Some(2048));
        write("proc/self/cgroup", "4:memory:/a/b\n0::/c\n");
        write(
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "1073741824\n",
        );
        write(
            "sys/fs/cgroup/memory/a/memory.usage_in_bytes",
            "536870912\n",
        );
        write(
            "sys/fs/cgroup/memory/a/memory.stat",
            "total_inactive_file 268435456\n",
        );
        assert_eq!(free(), Some(768));
        write("sys/fs/cgroup/c/memory.max", "max\n");
        write("sys/fs/cgroup/c/memory.current", "1\n");
        assert_eq!(free(), Some(768));
        write("sys/fs/cgroup/c/memory.max", "104857601\n");
        assert_eq!(free(), Some(100));
        assert!(workers() >= 1);
    }
}
