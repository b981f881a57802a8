//! The memory of the guest, as the functions see it: bounds are checked before anything is done,
//! and nothing is allocated by a number that the guest gives.

use crate::abi::{Errno, Record};

/// The memory of a program, which its engine has. Addresses are 32 bits wide, as preview 1 has
/// them.
pub trait GuestMemory {
    /// The size in bytes.
    fn size(&self) -> u64;

    /// Copies bytes out of the memory. False, and nothing is copied, if not all are in the memory.
    fn read(&self, address: u32, bytes: &mut [u8]) -> bool;

    /// Copies bytes into the memory. False, and nothing is copied, if not all fit.
    fn write(&mut self, address: u32, bytes: &[u8]) -> bool;
}

/// The bytes of a memory, as engines lend them.
impl GuestMemory for &mut [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, address: u32, bytes: &mut [u8]) -> bool {
        let from = self.get(address as usize..);
        let from = from.and_then(|from| from.get(..bytes.len()));
        from.map(|from| bytes.copy_from_slice(from)).is_some()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        let to = self.get_mut(address as usize..);
        let to = to.and_then(|to| to.get_mut(..bytes.len()));
        to.map(|to| to.copy_from_slice(bytes)).is_some()
    }
}

/// The most bytes of a path. Those of Linux have at most so many.
pub(crate) const PATH_BYTES_MAX: u32 = 4096;
/// The most parts of a list of buffers, as POSIX systems have it.
pub(crate) const BUFFERS_MAX: u32 = 1024;
/// The bytes that are copied at a time between the guest and the host.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// A part of the guest's memory that is known to be inside of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) address: u32,
    pub(crate) len: u32,
}

/// The memory of the guest with checked accesses.
pub(crate) struct Guest<'a> {
    memory: &'a mut dyn GuestMemory,
}

impl<'a> Guest<'a> {
    pub(crate) fn new(memory: &'a mut dyn GuestMemory) -> Guest<'a> {
        Guest { memory }
    }

    /// The region of `len` bytes at an address.
    pub(crate) fn region(&self, address: u32, len: u32) -> Result<Region, Errno> {
        let end = u64::from(address) + u64::from(len);
        match end <= self.memory.size() {
            true => Ok(Region { address, len }),
            false => Err(Errno::Fault),
        }
    }

    /// The place of a result, checked before the function does anything.
    pub(crate) fn place<const SIZE: usize>(&self, address: u32) -> Result<Place<SIZE>, Errno> {
        self.region(address, SIZE as u32)?;
        Ok(Place { address })
    }

    /// Writes a result.
    pub(crate) fn put<const SIZE: usize>(
        &mut self,
        place: Place<SIZE>,
        bytes: [u8; SIZE],
    ) -> Result<(), Errno> {
        self.write(place.address, &bytes)
    }

    /// Writes a record.
    pub(crate) fn put_record<const SIZE: usize>(
        &mut self,
        place: Place<SIZE>,
        record: Record<SIZE>,
    ) -> Result<(), Errno> {
        self.put(place, record.0)
    }

    pub(crate) fn read(&self, address: u32, bytes: &mut [u8]) -> Result<(), Errno> {
        match self.memory.read(address, bytes) {
            true => Ok(()),
            false => Err(Errno::Fault),
        }
    }

    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        match self.memory.write(address, bytes) {
            true => Ok(()),
            false => Err(Errno::Fault),
        }
    }

    /// The array of `SIZE` bytes at an address.
    pub(crate) fn array<const SIZE: usize>(&self, address: u32) -> Result<[u8; SIZE], Errno> {
        let mut bytes = [0; SIZE];
        self.read(address, &mut bytes)?;
        Ok(bytes)
    }

    /// A path.
    pub(crate) fn path(&self, address: u32, len: u32) -> Result<String, Errno> {
        self.region(address, len)?;
        if len > PATH_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        let mut bytes = vec![0; len as usize];
        self.read(address, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| Errno::IlSeq)
    }

    /// The buffers of a list (`iovec_array`, `ciovec_array`): all are inside of the memory.
    pub(crate) fn buffers(&self, address: u32, count: u32) -> Result<Buffers, Errno> {
        if count > BUFFERS_MAX {
            return Err(Errno::Inval);
        }
        self.region(address, count * 8)?;
        let regions = (0..count).map(|n| {
            let record: [u8; 8] = self.array(address + n * 8)?;
            let record = u64::from_le_bytes(record);
            self.region(record as u32, (record >> 32) as u32)
        });
        let regions: Vec<Region> = regions.collect::<Result<_, Errno>>()?;
        let total = regions.iter().map(|region| u64::from(region.len)).sum();
        match u32::try_from(total) {
            Ok(_) => Ok(Buffers {
                regions,
                at: 0,
                left: total,
            }),
            Err(_) => Err(Errno::Inval),
        }
    }
}

/// The place of a result of `SIZE` bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<const SIZE: usize> {
    address: u32,
}

/// Buffers of the guest that are filled or emptied from the first one on.
#[derive(Debug)]
pub(crate) struct Buffers {
    /// The regions that are left, without the part of the first one that is done.
    regions: Vec<Region>,
    at: usize,
    left: u64,
}

impl Buffers {
    /// The number of bytes that are left.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Copies bytes into the buffers.
    pub(crate) fn fill(&mut self, guest: &mut Guest<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let Some(region) = self.next(bytes.len()) else {
                return Err(Errno::Fault);
            };
            let (now, rest) = bytes.split_at(region.len as usize);
            guest.write(region.address, now)?;
            bytes = rest;
        }
        Ok(())
    }

    /// The next bytes of the buffers, `CHUNK_BYTES` at most.
    pub(crate) fn take(&mut self, guest: &Guest<'_>) -> Result<Vec<u8>, Errno> {
        let len = self.left.min(CHUNK_BYTES as u64) as usize;
        let mut chunk = vec![0; len];
        let mut done = 0;
        while let Some(region) = self.next(len - done) {
            let end = done + region.len as usize;
            guest.read(region.address, &mut chunk[done..end])?;
            done = end;
        }
        Ok(chunk)
    }

    /// The next region of at most `max` bytes, and not empty.
    fn next(&mut self, max: usize) -> Option<Region> {
        loop {
            let region = self.regions.get_mut(self.at)?;
            if region.len == 0 {
                self.at += 1;
                continue;
            }
            let len = region.len.min(u32::try_from(max).unwrap_or(u32::MAX));
            if len == 0 {
                return None;
            }
            let taken = Region {
                address: region.address,
                len,
            };
            // A region may end where addresses do.
            region.address = region.address.wrapping_add(len);
            region.len -= len;
            self.left -= u64::from(len);
            return Some(taken);
        }
    }
}
