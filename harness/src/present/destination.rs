//! Files that are written whole or not at all (contract C9).
//!
//! A [`Destination`] is opened before the run starts, so that a path that cannot be written is an
//! error in the first second and not in the last. The content goes to a file without a name in the
//! same folder, is synced, and takes the destination's name by a link or a rename; until then the
//! old file stays as it was, and a program that is killed leaves nothing. What stands at the
//! destination keeps its mode, and a link its place: what it names is replaced. A destination
//! dropped without [`Destination::write`] leaves nothing behind.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, access, linkat, openat};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::closed::is_open;
use crate::error::InputError;
use crate::interrupt;

/// The links that are followed from a destination.
const LINKS_MAX: usize = 40;
/// The beginning and the end of the names of temporary files.
const TEMPORARY: (&str, &str) = (".wassay-", ".tmp");
/// The time in which a process locks the temporary file that it has made.
const LOCKING: Duration = Duration::from_secs(5);
/// How often a wait for a pipe looks for an interruption.
const TICK: Duration = Duration::from_millis(20);

/// A file that is about to be written, already open.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    open: Open,
}

/// What the content is written to first.
#[derive(Debug)]
enum Open {
    /// A file without a name in the destination's folder.
    Unnamed(File),
    /// A temporary file beside the destination, where files without a name cannot be.
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
    /// If `path` is a folder or may not be written, or its folder does not exist or cannot be
    /// written.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        if path == Path::new("-") {
            is_open().map_err(|error| InputError::usage(format!("standard output: {error}")))?;
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
        let path = &named_by(path);
        let open = match path.metadata() {
            Ok(known) if !known.is_file() => Open::Special(open_special(path).map_err(failed)?),
            Ok(_) => {
                access(path, Access::WRITE_OK).map_err(|error| failed(error.into()))?;
                unnamed_beside(path).map_err(failed)?
            }
            Err(_) => unnamed_beside(path).map_err(failed)?,
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
        if let Open::Unnamed(_) | Open::Temporary(_) = self.open {
            self.path.as_mut_os_string().push(".partial");
        }
        self
    }

    /// True if both would write the same file, of which one would be lost. The standard output,
    /// pipes and devices take one after the other.
    pub fn is_same(&self, other: &Destination) -> bool {
        let is_file = |it: &Destination| !matches!(it.open, Open::Special(_) | Open::Stdout);
        is_file(self) && is_file(other) && self.path == other.path
    }

    /// True if writing would replace a file that is read.
    pub fn replaces(&self, input: &Path) -> bool {
        let identity = |path: &Path| path.metadata().ok().map(|it| (it.dev(), it.ino()));
        let is_file = matches!(self.open, Open::Unnamed(_) | Open::Temporary(_));
        is_file && identity(&self.path).is_some_and(|it| identity(input) == Some(it))
    }

    /// Writes the whole content and gives it its name.
    ///
    /// # Errors
    /// If writing, syncing or naming fails; the old file, if there was one, is then unchanged.
    pub fn write(self, content: &[u8]) -> Result<(), InputError> {
        let path = self.path;
        let failed = |error: std::io::Error| InputError::at(&path, "not written").because(error);
        let mode = path.metadata().ok().map(|it| it.permissions());
        let written = match self.open {
            Open::Special(file) => write_special(&file, content),
            Open::Stdout => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(content).and_then(|()| stdout.flush())
            }
            Open::Unnamed(mut file) => write_synced(&mut file, content, mode)
                .and_then(|()| name(&file, &path))
                .map(|()| sync_folder(&path)),
            Open::Temporary(mut file) => write_synced(file.as_file_mut(), content, mode)
                .and_then(|()| file.persist(&path).map_err(|error| error.error))
                .map(|_| sync_folder(&path)),
        };
        written.map_err(failed)
    }
}

/// The file that a path names in the end, which need not be there.
fn named_by(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match std::fs::read_link(&path) {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => break,
        }
    }
    let folder = std::fs::canonicalize(folder_of(&path));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (_, _) => path,
    }
}

/// Opens a pipe or a device. A pipe is waited for until someone reads it, or to an interruption.
fn open_special(path: &Path) -> std::io::Result<File> {
    let is_pipe = path.metadata()?.file_type().is_fifo();
    let flags = OFlags::NONBLOCK.bits() as i32;
    loop {
        let opened = File::options().write(true).custom_flags(flags).open(path);
        match opened {
            Err(error) if is_pipe && error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {}
            opened => return opened,
        }
        if interrupt::requested() {
            return Err(std::io::Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        std::thread::sleep(TICK);
    }
}

/// Writes to a pipe or a device, as fast as it takes it; to an interruption at most, if it takes
/// nothing.
fn write_special(mut file: &File, mut content: &[u8]) -> std::io::Result<()> {
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: TICK.as_nanos() as i64,
    };
    while !content.is_empty() {
        match file.write(content) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => content = &content[len..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut polled = [PollFd::new(file, PollFlags::OUT)];
                let is_ready = poll(&mut polled, Some(&tick)).is_ok_and(|count| count > 0);
                if !is_ready && interrupt::requested() {
                    return Err(std::io::Error::new(ErrorKind::Interrupted, "interrupted"));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn write_synced(file: &mut File, content: &[u8], mode: Option<Permissions>) -> std::io::Result<()> {
    file.write_all(content)?;
    if let Some(mode) = mode {
        file.set_permissions(mode)?;
    }
    file.sync_all()
}

/// Gives a file without a name the name of `path`. What stands there is replaced by way of a name
/// beside it, which is always the same: what a program that was killed in between has left is
/// replaced, too.
fn name(file: &File, path: &Path) -> std::io::Result<()> {
    let link = |to: &Path| {
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        linkat(CWD, from, CWD, to, AtFlags::SYMLINK_FOLLOW)
    };
    match link(path) {
        Err(Errno::EXIST) => {}
        linked => return Ok(linked?),
    }
    let mut beside = std::ffi::OsString::from(".");
    beside.push(path.file_name().unwrap_or_default());
    beside.push(".wassay-new");
    let beside = folder_of(path).join(beside);
    while let Err(error) = link(&beside) {
        match error {
            Errno::EXIST => std::fs::remove_file(&beside)?,
            error => return Err(error.into()),
        }
    }
    std::fs::rename(&beside, path)
}

/// A new file in the folder of `path`, without a name where the file system has such files.
fn unnamed_beside(path: &Path) -> std::io::Result<Open> {
    #[cfg(target_os = "linux")]
    {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(NEW_FILE_MODE);
        match openat(CWD, folder_of(path), flags, mode) {
            Ok(file) => return Ok(Open::Unnamed(File::from(file))),
            // Older kernels say that the folder is one.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    temporary_beside(path).map(Open::Temporary)
}

/// A new file in the folder of `path` with a name of its own. It is locked as long as its process
/// lives, which tells it from those that killed programs have left: these are removed.
fn temporary_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = folder_of(path);
    for entry in folder.read_dir()?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1) && is_left(&entry.path()) {
            // Another program may have been faster.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let file = tempfile::Builder::new()
        .prefix(TEMPORARY.0)
        .suffix(TEMPORARY.1)
        .permissions(Permissions::from_mode(NEW_FILE_MODE))
        .tempfile_in(folder)?;
    file.as_file().lock()?;
    Ok(file)
}

/// True if a temporary file is nobody's: no process has locked it, and it is not so new that one
/// may be about to.
fn is_left(path: &Path) -> bool {
    let age = path.metadata().and_then(|it| it.modified());
    let age = age.ok().and_then(|it| it.elapsed().ok());
    age.is_some_and(|age| age > LOCKING)
        && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// The mode of a new file; the process's umask still applies.
const NEW_FILE_MODE: u32 = 0o666;

/// The folder that holds `path`.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Makes the name itself durable, where the system lets a folder be synced.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        // Not every file system can sync a folder; the file's own content is safe already.
        let _ = folder.sync_all();
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

    /// A program that is killed in between leaves a name, which the next one takes.
    #[test]
    fn what_was_left_is_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("r.json");
        std::fs::write(&path, "old").expect("written");
        std::fs::write(folder.path().join(".r.json.wassay-new"), "left").expect("written");
        let destination = Destination::open(&path).expect("writable");
        assert_eq!(names(folder.path()).len(), 2, "nothing has a name yet");
        destination.write(b"new").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "new");
        assert_eq!(names(folder.path()), ["r.json"]);
    }

    /// Where files have names from the beginning, a killed program leaves one.
    #[test]
    fn temporary_files_that_were_left_are_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("r.json");
        let old = std::time::SystemTime::now() - 2 * LOCKING;
        let make = |name: &str| {
            let file = File::create(folder.path().join(name)).expect("made");
            file.set_modified(old).expect("set");
            file
        };
        let used = make(".wassay-used.tmp");
        used.lock().expect("locked");
        drop(make(".wassay-left.tmp"));
        drop(make("other.tmp"));
        std::fs::write(folder.path().join(".wassay-new.tmp"), "").expect("written");
        drop(temporary_beside(&path).expect("made"));
        let mut names = names(folder.path());
        names.sort();
        assert_eq!(names, [".wassay-new.tmp", ".wassay-used.tmp", "other.tmp"]);
    }

    #[test]
    fn modes_and_links_are_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("real"), "old").expect("written");
        std::fs::set_permissions(path("real"), Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink("real", path("link")).expect("linked");
        std::os::unix::fs::symlink("later", path("dangling")).expect("linked");
        for name in ["link", "dangling"] {
            let destination = Destination::open(&path(name)).expect("writable");
            destination.write(b"new").expect("written");
            assert!(path(name).is_symlink(), "{name}");
        }
        for name in ["real", "later"] {
            assert_eq!(std::fs::read_to_string(path(name)).expect("read"), "new");
        }
        let mode = path("real").metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn inputs_and_other_reports_are_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("in"), "").expect("written");
        std::os::unix::fs::symlink("in", path("link")).expect("linked");
        let open = |name: &str| Destination::open(&path(name)).expect("writable");
        assert!(open("link").replaces(&path("in")) && !open("new").replaces(&path("in")));
        assert!(open("new").is_same(&open("./new")) && !open("new").is_same(&open("in")));
        let null = || Destination::open(Path::new("/dev/null")).expect("writable");
        assert!(!null().is_same(&null()) && !null().replaces(Path::new("/dev/null")));
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
