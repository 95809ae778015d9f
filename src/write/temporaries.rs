//! Temporary files of the saver: whose they are, and what becomes of those whose process is gone.
//!
//! The name of a temporary file, `.NAME.HOST-PROCESS-RANDOM.part`, says which process of which machine writes it, since which start of
//! that machine. A process that was killed leaves its files behind; the next one of the same user that writes into the folder removes
//! them. Those of processes that still run, of other users, and of other machines that share the folder are left alone, as are
//! those from before the machine was started. Where the system does not tell which processes run (everywhere but on Linux) none is removed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::digest::digest_bytes;

/// What temporary files end with.
const ENDING: &str = ".part";
/// Characters that tell machines apart.
const N_OF_HOST: usize = 8;
/// How long a process that ends at once waits for the end of a renaming.
const PATIENCE: Duration = Duration::from_millis(150);

/// What this process has given its name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Renamed {
    /// Single files.
    pub files: usize,
    /// Sets with their index.
    pub sets: usize,
}

/// What this process has begun to write and where.
#[derive(Debug, Default)]
struct Begun {
    /// Folders with temporary files.
    folders: BTreeSet<PathBuf>,
    /// Folders that were made and may have to be removed.
    made: BTreeSet<PathBuf>,
}

static BEGUN: Mutex<Begun> = Mutex::new(Begun { folders: BTreeSet::new(), made: BTreeSet::new() });
static RENAMING: Mutex<Renamed> = Mutex::new(Renamed { files: 0, sets: 0 });

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // what they hold is good also where a thread has died
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Held while a set of files takes the place of another, which [`end_renaming`] waits for.
pub(super) fn renaming() -> MutexGuard<'static, Renamed> {
    lock(&RENAMING)
}

/// Waits for the end of a renaming, but not long: what this process has renamed until now. As long as the guard is held nothing else
/// is. `None` where a renaming takes its time.
pub fn end_renaming() -> Option<MutexGuard<'static, Renamed>> {
    let started = Instant::now();
    loop {
        match RENAMING.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if started.elapsed() >= PATIENCE => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
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
    let mut begun = lock(&BEGUN);
    if begun.folders.insert(folder.to_path_buf()) {
        remove_stale(folder);
    }
    let prefix = format!(".{name}.{}-{}-", host(), std::process::id());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(ENDING);
    // by default temporary files are private; results have the permissions that the user's umask gives
    #[cfg(unix)]
    builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    let made = builder.tempfile_in(folder);
    // held until the file is there: `abandon` finds all of them
    drop(begun);
    made
}

/// Removes the temporary files and the empty folders that this process has begun with: for a process that ends at once, without the
/// ends of its threads. Whoever begins with another one waits for ever.
pub fn abandon() {
    let mut begun = lock(&BEGUN);
    let Begun { folders, made } = std::mem::take(&mut *begun);
    std::mem::forget(begun);
    let own = std::process::id();
    folders.iter().for_each(|folder| remove(folder, |process, _| process == own));
    // the deepest come last
    made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
}

/// Removes the temporary files in a folder whose process is gone.
pub(super) fn remove_stale(folder: &Path) {
    // without either nobody knows which processes run
    let Some(user) = user().filter(|_| start_of_machine().is_some()) else { return };
    let is_gone = |process: u32| !Path::new(&format!("/proc/{process}")).exists();
    let is_of_user = |file: &fs::Metadata| file.is_file() && is_of(file, user);
    remove(folder, |process, entry| is_gone(process) && entry.metadata().is_ok_and(|file| is_of_user(&file)));
}

/// Removes temporary files of processes of this machine; what cannot be removed stays.
fn remove(folder: &Path, is_one: impl Fn(u32, &fs::DirEntry) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let process = process_of(&entry.file_name().to_string_lossy());
        if process.is_some_and(|process| is_one(process, &entry)) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Who runs this process; `None` where the system does not tell.
#[cfg(unix)]
fn user() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|own| std::os::unix::fs::MetadataExt::uid(&own))
}

#[cfg(not(unix))]
fn user() -> Option<u32> {
    None
}

#[cfg(unix)]
fn is_of(file: &fs::Metadata, user: u32) -> bool {
    std::os::unix::fs::MetadataExt::uid(file) == user
}

#[cfg(not(unix))]
fn is_of(_: &fs::Metadata, _: u32) -> bool {
    false
}

/// What tells this start of this machine from all others; `None` where the system does not tell.
fn start_of_machine() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().filter(|id| !id.trim().is_empty())
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

/// This machine since its start, or the part of it where process numbers have a meaning of their own.
fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let start = start_of_machine().unwrap_or_default();
        let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let mut digest = digest_bytes(format!("{} {}", start.trim(), space.display()).as_bytes());
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
        // of another user, where this one may give files away
        let given = place.path().join(format!(".f.csv.{}-4194999-Ab12.part", host()));
        fs::write(&given, "x").unwrap();
        let is_given = std::os::unix::fs::chown(&given, Some(user().unwrap() + 1), None).is_ok();
        drop(new_temporary(place.path(), "e.csv").unwrap());
        let is_there = |name: &String| place.path().join(name).exists();
        assert_eq!(names.iter().map(is_there).collect::<Vec<_>>(), [false, true, true, true]);
        assert_eq!(given.exists(), is_given);
    }
}
