//! Temporary files of the saver: whose they are, and what becomes of those whose process is gone.
//!
//! The name of a temporary file, `.NAME.HOST-PROCESS-RANDOM.part`, says which process of which machine writes it. A process that was
//! killed leaves its files behind; the next one that writes into the folder removes them. Those of processes that still run, and
//! of other machines that share the folder, are left alone. Where the system does not tell which processes run (everywhere but on
//! Linux) none is removed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::digest::digest_bytes;

/// What temporary files end with.
const ENDING: &str = ".part";
/// Characters that tell machines apart.
const N_OF_HOST: usize = 8;
/// How long a process that ends at once waits for the end of a renaming.
const PATIENCE: Duration = Duration::from_millis(200);

/// What this process has begun to write and where.
#[derive(Debug, Default)]
struct Begun {
    /// Folders with temporary files.
    folders: BTreeSet<PathBuf>,
    /// Folders that were made and may have to be removed.
    made: BTreeSet<PathBuf>,
}

static BEGUN: Mutex<Begun> = Mutex::new(Begun { folders: BTreeSet::new(), made: BTreeSet::new() });
static RENAMING: Mutex<()> = Mutex::new(());

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // what they hold is good also where a thread has died
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Held while a set of files takes the place of another, which [`abandon`] waits for.
pub(super) fn renaming() -> MutexGuard<'static, ()> {
    lock(&RENAMING)
}

/// Notes that a folder was made, or is to stay.
pub(super) fn note_made(folder: &Path, stays: bool) {
    let mut begun = lock(&BEGUN);
    if stays {
        begun.made.remove(folder);
    } else {
        begun.made.insert(folder.to_path_buf());
    }
}

/// A temporary file of this name in a folder, after those of processes that are gone were removed there.
pub(super) fn new_temporary(folder: &Path, name: &str) -> io::Result<NamedTempFile> {
    let is_first = lock(&BEGUN).folders.insert(folder.to_path_buf());
    if is_first {
        remove_stale(folder);
    }
    let prefix = format!(".{name}.{}-{}-", host(), std::process::id());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(ENDING);
    // by default temporary files are private; results have the permissions that the user's umask gives
    #[cfg(unix)]
    builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Removes the temporary files and the empty folders that this process has begun with: for a process that ends at once, without the
/// ends of its threads. Waits for the end of a renaming, but not long.
pub fn abandon() {
    let started = Instant::now();
    while RENAMING.try_lock().is_err() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(2));
    }
    let Begun { folders, made } = std::mem::take(&mut *lock(&BEGUN));
    let own = std::process::id();
    folders.iter().for_each(|folder| remove(folder, |process| process == own));
    // the deepest come last
    made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
}

/// Removes the temporary files in a folder whose process is gone.
pub(super) fn remove_stale(folder: &Path) {
    if Path::new("/proc/self").exists() {
        remove(folder, |process| !Path::new(&format!("/proc/{process}")).exists());
    }
}

/// Removes temporary files of processes of this machine; what cannot be removed stays.
fn remove(folder: &Path, of: impl Fn(u32) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if process_of(&name.to_string_lossy()).is_some_and(&of) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// The process of this machine that a temporary file is of.
fn process_of(name: &str) -> Option<u32> {
    let own = name.strip_prefix('.')?.strip_suffix(ENDING)?;
    let (_, own) = own.rsplit_once('.')?;
    let mut parts = own.split('-');
    let (of, process, random) = (parts.next()?, parts.next()?, parts.next()?);
    let is_ours = of == host() && !random.is_empty() && parts.next().is_none();
    is_ours.then(|| process.parse().ok())?
}

/// This machine, or this part of it where process numbers have a meaning of their own.
fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let mut digest = digest_bytes(format!("{name} {}", space.display()).as_bytes());
        digest.truncate(N_OF_HOST);
        digest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_machine_and_process() {
        let (own, place) = (std::process::id(), tempfile::tempdir().unwrap());
        let file = new_temporary(place.path(), "a.b-c.csv").unwrap();
        let name = file.path().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(process_of(&name), Some(own), "{name}");
        for other in ["x.part", ".x.part", ".x.12-3.part", ".x.00000000-3-ab.part", "x.csv", ".x.y-z-w.part"]
        {
            assert_eq!(process_of(other), None, "{other}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_of_processes_that_are_gone_are_removed_and_others_are_not() {
        let place = tempfile::tempdir().unwrap();
        // the numbers of processes are below 2^22
        let names = [
            format!(".a.csv.{}-4194999-Ab12.part", host()),
            format!(".b.csv.{}-{}-Ab12.part", host(), std::process::id()),
            ".c.csv.00000000-4194999-Ab12.part".to_string(),
            ".d.csv.part".to_string(),
        ];
        names.iter().for_each(|name| fs::write(place.path().join(name), "x").unwrap());
        drop(new_temporary(place.path(), "e.csv").unwrap());
        let is_there = |name: &String| place.path().join(name).exists();
        assert_eq!(names.iter().map(is_there).collect::<Vec<_>>(), [false, true, true, true]);
    }
}
