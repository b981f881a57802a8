//! Arguments, environment, exit, signals, random numbers.

use rand_chacha::rand_core::RngCore;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::abi::{Errno, Signal};
use crate::context::{RandomSource, Strings, Wasi};
use crate::error::{Ending, Outcome};
use crate::guest::{CHUNK_BYTES, Guest};

impl Wasi {
    /// Writes the addresses of the arguments, and their texts.
    pub(crate) fn args_get(&mut self, guest: &mut Guest<'_>, argv: u32, buf: u32) -> Outcome {
        put_strings(guest, &self.args, argv, buf)
    }

    /// Writes the number of arguments, and the number of bytes of their texts.
    pub(crate) fn args_sizes_get(
        &mut self,
        guest: &mut Guest<'_>,
        count: u32,
        bytes: u32,
    ) -> Outcome {
        put_sizes(guest, &self.args, count, bytes)
    }

    /// Writes the addresses of the variables, and their texts, as in `NAME=VALUE`.
    pub(crate) fn environ_get(&mut self, guest: &mut Guest<'_>, environ: u32, buf: u32) -> Outcome {
        put_strings(guest, &self.environment, environ, buf)
    }

    /// Writes the number of variables, and the number of bytes of their texts.
    pub(crate) fn environ_sizes_get(
        &mut self,
        guest: &mut Guest<'_>,
        count: u32,
        bytes: u32,
    ) -> Outcome {
        put_sizes(guest, &self.environment, count, bytes)
    }

    /// Ends the program.
    pub(crate) fn proc_exit(&mut self, _: &mut Guest<'_>, code: u32) -> Outcome {
        Err(Ending::Exit(code).into())
    }

    /// Does what a signal does to a process that has no handlers: ends the program, or nothing.
    /// The signals that stop a process are refused.
    pub(crate) fn proc_raise(&mut self, _: &mut Guest<'_>, signal: Signal) -> Outcome {
        match signal {
            Signal::None
            | Signal::Chld
            | Signal::Cont
            | Signal::Pipe
            | Signal::Urg
            | Signal::Winch => Ok(()),
            Signal::Stop | Signal::Tstp | Signal::Ttin | Signal::Ttou => Err(Errno::NotSup.into()),
            Signal::Hup
            | Signal::Int
            | Signal::Quit
            | Signal::Ill
            | Signal::Trap
            | Signal::Abrt
            | Signal::Bus
            | Signal::Fpe
            | Signal::Kill
            | Signal::Usr1
            | Signal::Segv
            | Signal::Usr2
            | Signal::Alrm
            | Signal::Term
            | Signal::Xcpu
            | Signal::Xfsz
            | Signal::Vtalrm
            | Signal::Prof
            | Signal::Poll
            | Signal::Pwr
            | Signal::Sys => Err(Ending::Raised(signal).into()),
        }
    }

    /// Lets other threads of the host run.
    pub(crate) fn sched_yield(&mut self, _: &mut Guest<'_>) -> Outcome {
        std::thread::yield_now();
        Ok(())
    }

    /// Fills a buffer with random bytes.
    pub(crate) fn random_get(&mut self, guest: &mut Guest<'_>, buf: u32, len: u32) -> Outcome {
        guest.region(buf, len)?;
        let mut chunk = [0; CHUNK_BYTES / 16];
        let mut done = 0;
        while done < len {
            let now = (len - done).min(chunk.len() as u32);
            let bytes = &mut chunk[..now as usize];
            match &mut self.random {
                RandomSource::Seeded(numbers) => numbers.fill_bytes(bytes),
                RandomSource::System => fill_by_system(bytes)?,
            }
            guest.write(buf + done, bytes)?;
            done += now;
            self.check_deadline()?;
        }
        Ok(())
    }
}

fn fill_by_system(mut bytes: &mut [u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(done) => bytes = &mut bytes[done..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn put_strings(guest: &mut Guest<'_>, strings: &Strings, mut list: u32, mut buf: u32) -> Outcome {
    guest.region(list, strings.count().checked_mul(4).ok_or(Errno::Overflow)?)?;
    guest.region(buf, strings.bytes())?;
    for text in strings.iter() {
        guest.write(list, &buf.to_le_bytes())?;
        guest.write(buf, text)?;
        list = list.wrapping_add(4);
        buf = buf.wrapping_add(text.len() as u32);
    }
    Ok(())
}

fn put_sizes(guest: &mut Guest<'_>, strings: &Strings, count: u32, bytes: u32) -> Outcome {
    let (count, bytes) = (guest.place(count)?, guest.place(bytes)?);
    guest.put(count, strings.count().to_le_bytes())?;
    guest.put(bytes, strings.bytes().to_le_bytes())?;
    Ok(())
}
