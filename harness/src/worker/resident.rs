//! Which parts of a large memory the system has ever given pages to: all others are zero. So
//! gigabytes that no code has touched are not read.
//!
//! The system tells it in `/proc/self/pagemap`, a word for each page. Where there is no such file,
//! or it knows nothing of this program's addresses (as under emulation), everything counts as
//! touched, which is slower and as right.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// A page is in memory, or it is swapped out.
const IN_USE: u64 = 0b11 << 62;
/// How much of the map is read at a time.
const MAP_BYTES: usize = 1 << 20;
const WORD_BYTES: usize = size_of::<u64>();

/// The system's knowledge of this process's pages.
#[derive(Debug)]
pub(super) struct Resident {
    map: Option<(File, usize)>,
}

impl Resident {
    /// Opens the map, and tries it on a page that is in use.
    pub(super) fn open() -> Resident {
        let map = File::open("/proc/self/pagemap").ok();
        let resident = Resident {
            map: map.map(|map| (map, rustix::param::page_size())),
        };
        let used = vec![1u8; 4];
        match resident.chunks(&used, 1 << 16) {
            Some(chunks) if chunks.iter().all(|&touched| touched) => resident,
            Some(_) | None => Resident { map: None },
        }
    }

    /// By chunk of `chunk_bytes` of some bytes, or cells of bytes, true if any page of it has been
    /// touched; `None` if that is not known.
    pub(super) fn chunks<T>(&self, data: &[T], chunk_bytes: usize) -> Option<Vec<bool>> {
        let (file, page_bytes) = self.map.as_ref()?;
        let len = size_of_val(data);
        let mut touched = vec![false; len.div_ceil(chunk_bytes)];
        let start = data.as_ptr() as usize;
        let first = start / page_bytes;
        let pages = (start + len).div_ceil(*page_bytes) - first;
        let mut buffer = vec![0; MAP_BYTES.min(pages * WORD_BYTES)];
        let mut page = 0;
        while page < pages {
            let words_len = buffer.len().min((pages - page) * WORD_BYTES);
            let at = (first + page) * WORD_BYTES;
            file.read_exact_at(&mut buffer[..words_len], at as u64)
                .ok()?;
            for word in buffer[..words_len].chunks_exact(WORD_BYTES) {
                if u64::from_le_bytes(word.try_into().ok()?) & IN_USE != 0 {
                    let begin = ((first + page) * page_bytes).saturating_sub(start);
                    let end = ((first + page + 1) * page_bytes - start).min(len);
                    touched[begin / chunk_bytes..end.div_ceil(chunk_bytes)].fill(true);
                }
                page += 1;
            }
        }
        Some(touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 1 << 16;

    /// What is touched is always found; what is not is skipped where the system says so.
    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "only Linux tells of pages")]
    fn touched_chunks_are_found() {
        let mut data = vec![0u8; 64 << 20];
        data[40 * CHUNK + 5] = 1;
        data[(64 << 20) - 1] = 1;
        let resident = Resident::open();
        let chunks = resident.chunks(&data, CHUNK);
        let chunks = chunks.expect("the system tells of the pages of this process");
        assert!(chunks[40] && chunks[1023]);
        let touched = chunks.iter().filter(|&&touched| touched).count();
        assert!(touched < 512, "{touched} of 1024 chunks");
    }
}
