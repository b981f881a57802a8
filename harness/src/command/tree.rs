//! Copies of directories, in which programs may do as they like.

use std::fs::{self, Metadata};
use std::io::{Error, Result};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

/// Copies a directory into one that is there, links as links. All has the times of its last change,
/// but none after `latest`; what `is_left` takes is left out.
///
/// # Errors
/// If something cannot be read or written, or is neither a file, a directory nor a link.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    latest: SystemTime,
    is_left: &dyn Fn(&Path) -> bool,
) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if is_left(&path) {
            continue;
        }
        let copy_path = to.join(&name);
        let metadata = path.symlink_metadata()?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            fs::create_dir(&copy_path)?;
            copy(&path, &copy_path, latest, is_left)?;
            continue;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&path)?, &copy_path)?;
        } else if kind.is_file() {
            fs::copy(&path, &copy_path).map(drop)?;
        } else {
            let message = format!("{} is not a file, directory or link", path.display());
            return Err(Error::other(message));
        }
        set_times(&copy_path, &metadata, latest)?;
    }
    set_times(to, &fs::metadata(from)?, latest)
}

/// Gives a file, a directory or a link itself the time of the last change of another one, or
/// `latest`.
fn set_times(path: &Path, of: &Metadata, latest: SystemTime) -> Result<()> {
    let time = match latest.duration_since(UNIX_EPOCH) {
        Ok(since) if of.modified()? > latest => Timespec {
            tv_sec: since.as_secs().try_into().map_err(Error::other)?,
            tv_nsec: since.subsec_nanos().into(),
        },
        Ok(_) | Err(_) => Timespec {
            tv_sec: of.mtime(),
            tv_nsec: of.mtime_nsec(),
        },
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_copy_has_the_times_of_the_original_and_none_that_is_late() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("inner")).expect("a directory");
        fs::create_dir(&to).expect("a directory");
        fs::write(from.join("inner/file"), "text").expect("a file");
        symlink("nowhere", from.join("link")).expect("a link");
        let now = SystemTime::now();
        let ago = |seconds| now - Duration::from_secs(seconds);
        let names = ["inner/file", "inner", "link", ""];
        let metadata = |path: &Path| path.symlink_metadata().expect("metadata");
        for (seconds, name) in (100..).step_by(100).zip(names) {
            let path = from.join(name);
            set_times(&path, &metadata(&path), ago(seconds)).expect("times");
        }
        copy(&from, &to, ago(250), &|_| false).expect("a copy");
        let times = names.map(|name| {
            let copied = metadata(&to.join(name));
            let age = now.duration_since(copied.modified().expect("a time"));
            assert_eq!(copied.modified().ok(), copied.accessed().ok(), "{name}");
            age.expect("a time before now").as_secs()
        });
        assert_eq!(times, [250, 250, 300, 400]);
    }
}
