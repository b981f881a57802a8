//! Walking the frames of compiled code, which have no frame pointers: from the innermost one up to
//! the entry from outside.
//!
//! A frame is found by tables that lie with the code (`tables.rs`): return address to piece of code
//! to layout of frame. The walk ends at the entry: the caller of an entry is the host or an
//! interpreter. Compiled code that called one of these has an entry of its own, and learns of what
//! has happened by the exit code when the inner entry ends.
//!
//! Any thread may walk its own frames, and nothing here allocates. `unsafe` reads the native stack.
//! Return addresses are behind the calling instruction, whatever its length: the byte before is
//! within the instruction.

use std::sync::Arc;

use super::regions::{self, Region};
use super::tables::{PieceKind, ReturnAddress};
use crate::backtrace;
use crate::engine::{CompiledPlace, Tier};
use crate::sample::Stack;
use crate::store::StoreData;
use crate::store::sample::polled_compiled;
use crate::vm::Cx;

/// The frame of a function that has stopped.
#[derive(Clone, Debug)]
pub struct NativeFrame {
    /// The code that the function is in.
    pub region: Arc<Region>,
    pub func: u32,
    /// An offset in the region within the instruction at which it has stopped.
    pub offset: u32,
    /// The place where it has stopped.
    pub stop: CompiledPlace,
}

impl NativeFrame {
    /// The byte of the module that the instruction comes from.
    pub fn source(&self) -> Option<u32> {
        self.region.source_at(self.offset)
    }

    /// The frame in a backtrace.
    fn in_backtrace(&self) -> Option<backtrace::Frame> {
        let module = self.region.tables.module.as_ref()?;
        Some(backtrace::Frame {
            module: module.upgrade()?.naming(),
            func: self.func,
            offset_bytes: self.source(),
        })
    }
}

/// The frames of functions, from the place where code has stopped outwards.
#[derive(Debug)]
pub struct Walk {
    stop: CompiledPlace,
    region: Option<Arc<Region>>,
}

impl Walk {
    /// A walk of this thread's frames.
    ///
    /// # Safety
    /// Compiled code of this thread has stopped there, and the frames up to its entry are as they
    /// were then, for as long as the walk lasts.
    pub unsafe fn new(stop: CompiledPlace) -> Walk {
        Walk { stop, region: None }
    }

    /// The place where the next frame has stopped; after the last one, that of the entry's call.
    #[cfg(test)]
    pub fn stop(&self) -> CompiledPlace {
        self.stop
    }

    /// The region that an address is in, which mostly is the one of the frame before.
    fn region_of(&mut self, address: usize) -> Option<Arc<Region>> {
        let last = self.region.as_ref();
        if last.is_none_or(|region| region.offset_of(address).is_none()) {
            self.region = regions::region_of(address);
        }
        self.region.clone()
    }
}

impl Iterator for Walk {
    type Item = NativeFrame;

    fn next(&mut self) -> Option<NativeFrame> {
        loop {
            let stop = self.stop;
            let address = stop.return_address.checked_sub(1)?;
            let region = self.region_of(address)?;
            let offset = region.offset_of(address)?;
            let piece = *region.piece_at(offset)?;
            let return_address = match piece.frame.return_address {
                ReturnAddress::InLink => stop.link,
                ReturnAddress::InFrame(offset) => {
                    // SAFETY: the contract of `new`: a frame of this piece is at `sp`.
                    unsafe { *((stop.sp + offset as usize) as *const usize) }
                }
            };
            let caller = CompiledPlace {
                return_address,
                sp: stop.sp + piece.frame.bytes as usize,
                link: 0, // a caller has saved it
            };
            match piece.kind {
                PieceKind::Entry => return None,
                PieceKind::Func(func) => {
                    self.stop = caller;
                    return Some(NativeFrame {
                        region,
                        func,
                        offset,
                        stop,
                    });
                }
                PieceKind::NoRoom | PieceKind::Outward | PieceKind::Shared => self.stop = caller,
            }
        }
    }
}

/// Notes for a backtrace what was running where compiled code has ended, up to its entry.
///
/// # Safety
/// `cx` is that of a live store; the rest is as for [`Walk::new`].
pub unsafe extern "C" fn note_frames(cx: *mut Cx, return_address: usize, sp: usize, link: usize) {
    let stop = CompiledPlace {
        return_address,
        sp,
        link,
    };
    // SAFETY: the caller's contract; running code holds no reference into the store.
    let (backtrace, frames) = unsafe {
        let store = (*cx).store.cast::<StoreData>();
        ((*store).backtrace(), Walk::new(stop))
    };
    for frame in frames {
        backtrace.push(|| frame.in_backtrace());
    }
}

/// Gives the functions of compiled code to a sample, from a place outwards up to the entry.
///
/// # Safety
/// As for [`Walk::new`].
pub unsafe fn give_frames(place: CompiledPlace, stack: &mut Stack<'_>) {
    // SAFETY: the caller's contract.
    let frames = unsafe { Walk::new(place) };
    for frame in frames {
        let address = frame.region.start + frame.offset as usize;
        stack.push(address, Tier::Jit.name(), || frame.in_backtrace());
    }
}

/// Answers a poll that has found flags: 1 if execution goes on, 0 if it ends.
///
/// # Safety
/// As for [`note_frames`], of a place at which code polls.
pub unsafe extern "C" fn poll(cx: *mut Cx, return_address: usize, sp: usize, link: usize) -> u64 {
    let place = CompiledPlace {
        return_address,
        sp,
        link,
    };
    // SAFETY: the caller's contract.
    unsafe { polled_compiled(cx, place) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::code::tables::{FrameLayout, Piece, SourceLoc, Tables};

    /// An address that no code of this process has.
    const BASE: usize = 0x40_0000;

    fn piece(start: u32, kind: PieceKind, bytes: u32, return_address: ReturnAddress) -> Piece {
        Piece {
            start,
            kind,
            frame: FrameLayout {
                bytes,
                return_address,
            },
        }
    }

    fn region() -> Arc<Region> {
        use ReturnAddress::{InFrame, InLink};
        let pieces = vec![
            piece(0, PieceKind::Func(7), 32, InFrame(0)),
            piece(0x40, PieceKind::Func(8), 16, InLink),
            piece(0x80, PieceKind::Func(9), 48, InFrame(40)),
            piece(0xb0, PieceKind::NoRoom, 0, InLink),
            piece(0xc0, PieceKind::Entry, 0, InLink),
        ];
        let sources = [(0, 100), (0x10, 110), (0x48, 200), (0x80, 300)];
        let source = |(offset, position)| SourceLoc { offset, position };
        let sources = sources.into_iter().map(source).collect();
        Arc::new(Region {
            start: BASE,
            end: BASE + 0x100,
            tables: Tables {
                pieces,
                sources,
                ..Tables::default()
            },
        })
    }

    /// Function index, instruction and source of each frame; then where the walk has ended.
    fn walk(stack: &[usize], return_address: usize, link: usize) -> (Vec<(u32, u32, u32)>, usize) {
        let sp = stack.as_ptr() as usize;
        let stop = CompiledPlace {
            return_address,
            sp,
            link,
        };
        // SAFETY: the tests' stacks have the frames that the pieces describe.
        let mut walk = unsafe { Walk::new(stop) };
        let told = |f: NativeFrame| (f.func, f.offset, f.source().expect("a source"));
        let frames = walk.by_ref().map(told).collect();
        assert_eq!(walk.stop().return_address - BASE, 0xc8, "the entry's call");
        (frames, walk.stop().sp - sp)
    }

    #[test]
    fn frames_are_found_by_table_up_to_the_entry() {
        let region = region();
        regions::register(region.clone());
        let outer = [BASE + 0xc8, 0, 0, 0];
        // 8 is a leaf: the link register leads to 9, whose frame holds its return address highest,
        // that to 7, that to the entry.
        let mut stack = vec![0, 0];
        stack.extend([0, 0, 0, 0, 0, BASE + 0x14]);
        stack.extend(outer);
        let (frames, bytes) = walk(&stack, BASE + 0x4c, BASE + 0x84);
        assert_eq!(frames, [(8, 0x4b, 200), (9, 0x83, 300), (7, 0x13, 110)]);
        assert_eq!(bytes, 16 + 48 + 32);
        // 9 has found no room: only its caller is left, whose frame is at `sp`.
        let (frames, bytes) = walk(&outer, BASE + 0xb8, BASE + 0x10);
        assert_eq!((frames, bytes), (vec![(7, 0xf, 100)], 32));
        regions::unregister(&region);
    }

    #[test]
    fn an_address_of_no_code_ends_the_walk() {
        let stop = CompiledPlace {
            return_address: 0x7004,
            sp: 0,
            link: 0,
        };
        // SAFETY: nothing is read: there is no code at that address.
        assert_eq!(unsafe { Walk::new(stop) }.count(), 0);
    }
}
