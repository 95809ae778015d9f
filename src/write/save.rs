//! The one saver: every file of the tool is complete or not there.
//!
//! A file is written under a temporary name in its own folder, flushed to the disk and renamed over the old one,
//! so that a full disk, an interrupt or a fault leaves the old file as it was. What a process that was killed leaves under a
//! temporary name the next one removes. A set of files ([`Saver`]) is first
//! written completely under temporary names and then renamed, `fit.json` last. Renaming several files is not one
//! step for any file system: what an interrupt between two renames leaves behind is recognised by the digests of
//! the others that `fit.json` lists ([`mixed_files`]).

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use super::digest::{digest_bytes, digest_file};
use super::json::json_bytes;
use super::mixed::{STALE, left_behind};
pub use super::mixed::{is_mixed, mixed_files};
use super::table::{Values, csv_pieces};
use super::temporaries::{new_temporary, note_made, remove_stale, renaming};
use crate::{Error, Result};

/// The file of a set that is renamed last and lists the digests of the others.
pub const INDEX_NAME: &str = "fit.json";

/// Finds out whether a file can be written to `path`; leaves nothing behind.
///
/// # Errors
/// [`Error::Io`] if it is a folder, or its own folder cannot be made or takes no files.
pub fn check_replaceable(path: &Path) -> Result<()> {
    PendingFile::write(path, |_| Ok(())).map(drop)
}

/// Finds out whether files can be written into `folder`; leaves nothing behind.
///
/// # Errors
/// [`Error::Io`] if it cannot be made, is a file or takes no files.
pub fn check_writable(folder: &Path) -> Result<()> {
    let made = NewFolders::make(folder)?;
    write_temporary(&folder.join(INDEX_NAME), |_| Ok(()))?;
    drop(made);
    Ok(())
}

/// Finds out whether a file can be written; leaves nothing behind, and the file as it is.
///
/// # Errors
/// [`Error::Io`] if its folder cannot be made or takes no files, or if it is a folder itself.
pub fn check_writable_file(path: &Path) -> Result<()> {
    let made = NewFolders::make(folder_of(path))?;
    refuse_folder(path)?;
    write_temporary(path, |_| Ok(()))?;
    drop(made);
    Ok(())
}

/// Replaces one file by these bytes; missing folders on its path are made.
///
/// # Errors
/// [`Error::Io`] with the path; the old file, if any, is then untouched.
pub fn save_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    save_with(path, |file| file.write_all(bytes).map_err(|e| unwritable(path, e)))
}

/// The same for a file that is no result, which may be written while [`super::temporaries::end_renaming`] is held.
pub(crate) fn save_aside(path: &Path, bytes: &[u8]) -> Result<()> {
    PendingFile::write(path, |file| file.write_all(bytes).map_err(|e| unwritable(path, e)))?.put()
}

/// Replaces one file by what `write` puts into the temporary file that it is given.
///
/// For libraries that write files themselves: they may truncate and refill the file at the temporary path.
///
/// # Errors
/// What `write` returns, or [`Error::Io`] with the path; the old file, if any, is then untouched.
pub fn save_with(path: &Path, write: impl FnOnce(&mut NamedTempFile) -> Result<()>) -> Result<()> {
    PendingFile::write(path, write)?.commit()
}

/// One complete file that still has its temporary name: without [`PendingFile::commit`] it leaves nothing behind.
#[derive(Debug)]
pub struct PendingFile {
    target: PathBuf,
    // dropped before the folders, which must be empty to be removed
    temporary: NamedTempFile,
    folders: NewFolders,
}

impl PendingFile {
    /// Writes the file that is to become `path`; see [`save_with`].
    ///
    /// # Errors
    /// Those of [`save_with`].
    pub fn write(path: &Path, write: impl FnOnce(&mut NamedTempFile) -> Result<()>) -> Result<Self> {
        let folders = NewFolders::make(folder_of(path))?;
        refuse_folder(path)?;
        let temporary = write_temporary(path, write)?;
        Ok(Self { target: path.to_path_buf(), temporary, folders })
    }

    /// SHA-256 of the file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn sha256(&self) -> Result<String> {
        digest_file(self.temporary.path())
    }

    /// Replaces what is there under its name.
    ///
    /// # Errors
    /// [`Error::Io`] with the path; the old file, if any, is then untouched.
    pub fn commit(self) -> Result<()> {
        let mut renaming = renaming();
        self.put()?;
        renaming.files += 1;
        Ok(())
    }

    fn put(self) -> Result<()> {
        self.temporary.persist(&self.target).map_err(|e| unwritable(&self.target, e.error))?;
        self.folders.keep();
        Ok(())
    }
}

/// Writes a set of files into one folder, all of them or none.
///
/// ```
/// use rheobase::write::save::{Saver, mixed_files};
///
/// let place = tempfile::tempdir().unwrap();
/// let folder = place.path().join("results");
/// let mut saver = Saver::open(&folder)?;
/// saver.stage("tables/bins.csv", b"t,count\n0.0005,0\n")?;
/// let mut fit = serde_json::Map::new();
/// fit.insert("schema".into(), 1.into());
/// saver.finish(fit)?;
/// assert!(folder.join("tables/bins.csv").exists() && mixed_files(&folder)?.is_empty());
/// # Ok::<(), rheobase::Error>(())
/// ```
#[derive(Debug)]
pub struct Saver {
    folder: PathBuf,
    staged: Vec<Staged>,
    new_folders: Vec<NewFolders>,
}

/// A complete file that still has its temporary name.
#[derive(Debug)]
struct Staged {
    name: String,
    target: PathBuf,
    temporary: NamedTempFile,
    sha256: String,
}

impl Saver {
    /// A saver into `folder`, which is made if it is not there. Nothing else in it is touched.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be made or is a file.
    pub fn open(folder: &Path) -> Result<Self> {
        let made = NewFolders::make(folder)?;
        // also where this run writes nothing
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            remove_stale(&entry.path());
        }
        Ok(Self { folder: folder.to_path_buf(), staged: Vec::new(), new_folders: vec![made] })
    }

    /// Writes bytes under a temporary name; `name` is relative to the folder, with `/` between its parts.
    ///
    /// # Errors
    /// [`Error::Io`] with the path, [`Error::Argument`] if the name leaves the folder, was staged before or is
    /// that of the index.
    pub fn stage(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let target = self.target(name)?;
        self.stage_file(name, target.clone(), |file| {
            file.write_all(bytes).map_err(|e| unwritable(&target, e))?;
            Ok(digest_bytes(bytes))
        })
    }

    /// The same for libraries that write files themselves (see [`save_with`]).
    ///
    /// # Errors
    /// What `write` returns, and those of [`Saver::stage`].
    pub fn stage_with(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut NamedTempFile) -> Result<()>,
    ) -> Result<()> {
        let target = self.target(name)?;
        self.stage_file(name, target, |file| {
            write(file)?;
            digest_file(file.path())
        })
    }

    /// Writes a table row by row; see [`Saver::stage`].
    ///
    /// # Errors
    /// Those of [`Saver::stage`] and of [`csv_bytes`](super::table::csv_bytes).
    pub fn stage_table(&mut self, name: &str, columns: &[(&str, Values<'_>)]) -> Result<()> {
        let target = self.target(name)?;
        self.stage_with(name, |file| {
            csv_pieces(columns, |piece| file.write_all(piece).map_err(|e| unwritable(&target, e)))
        })
    }

    /// Names and digests (SHA-256) of the files so far, in the order of staging.
    pub fn digests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.staged.iter().map(|file| (file.name.as_str(), file.sha256.as_str()))
    }

    /// Adds `stale` to `fit`: the names of files in the folder that an earlier run has listed and that are not staged, if there are any;
    /// how many.
    pub fn note_stale(&self, fit: &mut Map<String, Value>) -> usize {
        let names = left_behind(&self.folder, |name| self.staged.iter().any(|file| file.name == name));
        let n_names = names.len();
        if n_names > 0 {
            fit.insert(STALE.into(), names.into());
        }
        n_names
    }

    /// Adds `files` (name: sha256) to `fit`, writes it as `fit.json`, and renames all files, `fit.json` last.
    ///
    /// Returns the paths written.
    ///
    /// # Errors
    /// [`Error::Io`] with the path: then no file of this run is left that was not there before.
    pub fn finish(mut self, mut fit: Map<String, Value>) -> Result<Vec<PathBuf>> {
        let files = self.digests().map(|(name, sha256)| (name.to_string(), Value::from(sha256))).collect();
        fit.insert("files".into(), Value::Object(files));
        let bytes = json_bytes(&fit)?;
        let index = self.folder.join(INDEX_NAME);
        self.stage_file(INDEX_NAME, index.clone(), |file| {
            file.write_all(&bytes).map_err(|e| unwritable(&index, e))?;
            Ok(digest_bytes(&bytes))
        })?;
        // what can be known before the first rename
        for file in &self.staged {
            refuse_folder(&file.target)?;
        }
        let mut renaming = renaming();
        let mut written = Vec::with_capacity(self.staged.len());
        let mut new: Vec<PathBuf> = Vec::new();
        for file in std::mem::take(&mut self.staged) {
            let is_new = !file.target.exists();
            if let Err(e) = file.temporary.persist(&file.target) {
                // best effort: the error that counts is the one of the rename
                for path in &new {
                    let _ = fs::remove_file(path);
                }
                return Err(unwritable(&file.target, e.error));
            }
            if is_new {
                new.push(file.target.clone());
            }
            written.push(file.target);
        }
        renaming.sets += 1;
        std::mem::take(&mut self.new_folders).into_iter().for_each(NewFolders::keep);
        Ok(written)
    }

    /// Path of a staged file, if its name may be staged.
    fn target(&self, name: &str) -> Result<PathBuf> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let taken = name == INDEX_NAME || self.staged.iter().any(|file| file.name == name);
        if name.is_empty() || !inside || taken {
            let expected = "a new name inside the output folder";
            return Err(Error::argument("output file", expected, format!("{name:?}"), "choose another name"));
        }
        Ok(self.folder.join(name))
    }

    fn stage_file(
        &mut self,
        name: &str,
        target: PathBuf,
        write: impl FnOnce(&mut NamedTempFile) -> Result<String>,
    ) -> Result<()> {
        let made = NewFolders::make(folder_of(&target))?;
        self.new_folders.push(made);
        let mut sha256 = String::new();
        let temporary = write_temporary(&target, |file| {
            sha256 = write(file)?;
            Ok(())
        })?;
        self.staged.push(Staged { name: name.to_string(), target, temporary, sha256 });
        Ok(())
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        // the temporary files must be gone before their folders; the folder made last lies deepest
        self.staged.clear();
        while self.new_folders.pop().is_some() {}
    }
}

/// Writes a temporary file beside `target` and flushes it to the disk.
fn write_temporary(
    target: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> Result<()>,
) -> Result<NamedTempFile> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut temporary = new_temporary(folder_of(target), &name).map_err(|e| unwritable(target, e))?;
    write(&mut temporary)?;
    temporary.flush().and_then(|()| temporary.as_file().sync_all()).map_err(|e| unwritable(target, e))?;
    Ok(temporary)
}

/// Folder of a file; a bare name lies in the current folder.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn refuse_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        let problem = "a folder, where a file is to be written";
        return Err(Error::io(path, io::Error::new(io::ErrorKind::IsADirectory, problem)));
    }
    Ok(())
}

/// What keeps a file from being written is never that the user named one that is not there.
fn unwritable(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::io(path, io::Error::other(format!("cannot be made ({error})"))),
        _ => Error::io(path, error),
    }
}

/// Folders that were made for files; removed again, as far as they are empty, unless kept.
#[derive(Debug)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes `folder` and what is missing above it.
    fn make(folder: &Path) -> Result<Self> {
        if let Some(file) = folder.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
            let problem = "a file, where a folder is needed";
            return Err(Error::io(file, io::Error::new(io::ErrorKind::NotADirectory, problem)));
        }
        let missing = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let made = Self(missing.map(Path::to_path_buf).collect());
        made.0.iter().for_each(|folder| note_made(folder, false));
        fs::create_dir_all(folder).map_err(|e| unwritable(folder, e))?;
        Ok(made)
    }

    fn keep(mut self) {
        self.0.drain(..).for_each(|folder| note_made(&folder, true));
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        // deepest first; one that is not empty stays
        for folder in &self.0 {
            drop(fs::remove_dir(folder));
            note_made(folder, true);
        }
    }
}
