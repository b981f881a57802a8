//! Files that are written whole or not at all (contract C9).
//!
//! A [`Destination`] is opened before the run starts, so that a path that cannot be written is an
//! error in the first second and not in the last. The content goes to a temporary file in the same
//! folder, is synced, and takes the destination's name by a rename; until then the old file stays
//! as it was. A destination dropped without [`Destination::write`] leaves nothing behind.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::InputError;

/// A file that is about to be written, already open.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    open: Open,
}

/// What the content is written to first.
#[derive(Debug)]
enum Open {
    /// A temporary file beside the destination.
    Temporary(NamedTempFile),
    /// The destination itself: a pipe, a terminal or `/dev/null` must not be replaced by a file.
    Special(File),
    /// The standard output, which `-` names.
    Stdout,
}

impl Destination {
    /// Prepares to write `path`.
    ///
    /// # Errors
    /// If `path` is a folder, or its folder does not exist or cannot be written.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        if path == Path::new("-") {
            return Ok(Destination {
                path: path.to_owned(),
                open: Open::Stdout,
            });
        }
        if path.is_dir() || path.file_name().is_none() {
            return Err(InputError::at(
                path,
                "cannot write a report: this is a folder",
            ));
        }
        let failed = |error: std::io::Error| {
            // `tempfile` adds the name of its file, which the message leaves out.
            let inner = error.get_ref().and_then(|inner| inner.source());
            let reason = inner.map_or_else(|| error.to_string(), ToString::to_string);
            let reason = reason.split(" at path ").next().unwrap_or_default();
            InputError::at(path, format!("cannot write a report: {reason}"))
        };
        // A link keeps its place: what it names is replaced.
        let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let open = if path.exists() && !path.is_file() {
            Open::Special(File::options().write(true).open(path).map_err(failed)?)
        } else {
            Open::Temporary(temporary_beside(path).map_err(failed)?)
        };
        Ok(Destination {
            path: path.to_owned(),
            open,
        })
    }

    /// The file's final name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a name with `.partial` at its end, for what is not whole: what stands at the
    /// destination stays. A pipe or a terminal stays itself.
    pub fn partial(mut self) -> Destination {
        if let Open::Temporary(_) = self.open {
            self.path.as_mut_os_string().push(".partial");
        }
        self
    }

    /// Writes the whole content and gives it its name.
    ///
    /// # Errors
    /// If writing, syncing or renaming fails; the old file, if there was one, is then unchanged.
    pub fn write(self, content: &[u8]) -> Result<(), InputError> {
        let path = self.path;
        let failed = |error: std::io::Error| InputError::at(&path, "not written").because(error);
        match self.open {
            Open::Special(mut file) => file.write_all(content).map_err(failed),
            Open::Stdout => {
                let mut stdout = std::io::stdout().lock();
                stdout
                    .write_all(content)
                    .and_then(|()| stdout.flush())
                    .map_err(failed)
            }
            Open::Temporary(mut file) => {
                file.write_all(content).map_err(failed)?;
                file.as_file().sync_all().map_err(failed)?;
                file.persist(&path).map_err(|error| failed(error.error))?;
                sync_folder(&path);
                Ok(())
            }
        }
    }
}

/// A new file in the folder of `path`, removed again unless it is renamed.
fn temporary_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".wassay-")
        .suffix(".tmp")
        .permissions_like_a_new_file()
        .tempfile_in(folder_of(path))
}

/// The folder that holds `path`.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Makes the rename itself durable, where the system lets a folder be synced.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        // Not every file system can sync a folder; the file's own content is safe already.
        let _ = folder.sync_all();
    }
}

/// The permissions a plainly created file would get; `tempfile` makes its files readable by the
/// owner alone.
trait PlainPermissions {
    fn permissions_like_a_new_file(&mut self) -> &mut Self;
}

impl PlainPermissions for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask still applies.
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the test's folder exists");
        entries
            .map(|e| e.expect("readable").file_name().to_string_lossy().into())
            .collect()
    }

    #[test]
    fn writes_whole_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("r.json");
        std::fs::write(&path, "old").expect("written");
        let destination = Destination::open(&path).expect("writable");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "old");
        destination.write(b"new").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "new");
        assert_eq!(names(folder.path()), ["r.json"]);
    }

    #[test]
    fn dropped_without_writing_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("r.json");
        std::fs::write(&path, "old").expect("written");
        drop(Destination::open(&path).expect("writable"));
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "old");
        assert_eq!(names(folder.path()), ["r.json"]);
    }

    #[test]
    fn a_device_is_written_and_not_replaced() {
        let null = Path::new("/dev/null");
        if !null.exists() {
            return;
        }
        let destination = Destination::open(null).expect("writable");
        destination.write(b"gone").expect("written");
        assert!(!null.is_file(), "still a device");
    }

    #[test]
    fn an_unwritable_path_is_an_error_at_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for path in [folder.path().to_owned(), folder.path().join("no/r.json")] {
            let error = Destination::open(&path).expect_err("not writable");
            assert_eq!(error.path.as_deref(), Some(path.as_path()));
        }
    }
}
