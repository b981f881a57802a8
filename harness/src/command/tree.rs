//! Copies of directories, in which programs may do as they like.

use std::fs::{self, File, FileTimes};
use std::io::Result;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

/// Copies what is in a directory, links as links. Files have the times of their last change, but
/// none after `latest`; what `is_left` takes is left out.
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
        } else if kind.is_symlink() {
            symlink(fs::read_link(&path)?, &copy_path)?;
            continue;
        } else if kind.is_file() {
            fs::copy(&path, &copy_path).map(drop)?;
        } else {
            let message = format!("{} is not a file, directory or link", path.display());
            return Err(std::io::Error::other(message));
        }
        let modified = metadata.modified()?.min(latest);
        let times = FileTimes::new()
            .set_accessed(modified)
            .set_modified(modified);
        // A file that its owner may not write keeps the time of the copy.
        if let Ok(file) = File::open(&copy_path) {
            file.set_times(times)?;
        }
    }
    Ok(())
}
