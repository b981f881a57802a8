//! Input of a user, read so that it ends.
//!
//! A plain file is read as it is. A pipe or a device may have nothing to give, or no end: waiting
//! for it ends at an interruption, and reading it at [`STREAM_BYTES_MAX`].

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::error::InputError;
use crate::interrupt;

/// The most bytes that are read of what is not a plain file.
const STREAM_BYTES_MAX: usize = 256 << 20;
/// How often a wait looks for an interruption.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Reads what is at a path.
///
/// # Errors
/// If it cannot be read, it is too long, or the program is interrupted meanwhile.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    // A pipe is opened at once, also if nobody writes to it.
    let flags = OFlags::NONBLOCK.bits() as i32;
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    let mut bytes = Vec::new();
    if file.metadata()?.is_file() {
        file.read_to_end(&mut bytes)?;
    } else {
        read_stream(&mut file, &mut bytes)?;
    }
    Ok(bytes)
}

/// Reads a file of text.
///
/// # Errors
/// If it cannot be read, or is not UTF-8; the error names the line.
pub fn read_text(path: &Path) -> std::result::Result<String, InputError> {
    let bytes = read(path).map_err(|error| InputError::from_error(path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        InputError::at_line(path, line, "invalid UTF-8")
    })
}

fn read_stream(file: &mut File, bytes: &mut Vec<u8>) -> Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        wait(file)?;
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => bytes.extend_from_slice(&piece[..len]),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > STREAM_BYTES_MAX {
            let max = STREAM_BYTES_MAX >> 20;
            let message = format!("a pipe or device with more than {max} MiB");
            return Err(Error::new(ErrorKind::FileTooLarge, message));
        }
    }
}

/// Waits until there is something to read, or the end.
fn wait(file: &File) -> Result<()> {
    loop {
        if interrupt::requested() {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        let mut polled = [PollFd::new(file, PollFlags::IN)];
        match poll(&mut polled, Some(&TICK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_folders_end() {
        assert_eq!(read(Path::new("/dev/null")).expect("it ends"), b"");
        let error = read(Path::new("/dev/zero")).expect_err("it has no end");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert!(read(Path::new("/")).is_err());
    }
}
