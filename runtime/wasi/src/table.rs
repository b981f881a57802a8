//! The table of the functions of preview 1: each with its parameters, as the methods of [`Wasi`]
//! have them.
//!
//! A row is a name and the types of the parameters, which are those of the core function. The
//! types say how a number becomes a parameter, and which numbers are refused as `inval`. The result
//! is an `errno`, save that of `proc_exit`, which does not return. `tests/witx.rs` holds the table
//! against the witx.

use crate::abi::Errno;
use crate::abi::{
    Advice, Clock, FdFlags, LookupFlags, OpenFlags, ReceiveFlags, Rights, SendFlags, ShutdownFlags,
    Signal, TimeFlags, Whence,
};
use crate::context::Wasi;
use crate::error::{Ending, Failure, Outcome};
use crate::guest::{Guest, GuestMemory};

/// The name of the module that the functions are imported from.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// The type of a parameter or a result of a core function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreType {
    /// `i32`.
    I32,
    /// `i64`.
    I64,
}

/// A function of preview 1.
#[derive(Clone, Copy)]
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// The types of the parameters.
    pub params: &'static [CoreType],
    /// The types of the results: none, or an `errno`.
    pub results: &'static [CoreType],
    enter: fn(&mut Wasi, &mut Guest<'_>, &[u64]) -> Outcome,
}

impl Function {
    /// Calls the function. Each argument has the bits of a parameter, an `i32` zero-extended. The
    /// result is that of the core function.
    ///
    /// # Errors
    /// If the call ends the program.
    ///
    /// # Panics
    /// If there are fewer arguments than parameters.
    pub fn call(
        &self,
        wasi: &mut Wasi,
        memory: &mut dyn GuestMemory,
        args: &[u64],
    ) -> Result<Errno, Ending> {
        match (self.enter)(wasi, &mut Guest::new(memory), args) {
            Ok(()) => Ok(Errno::Success),
            Err(Failure::Errno(errno)) => Ok(errno),
            Err(Failure::Ending(ending)) => Err(ending),
        }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?} -> {:?}", self.name, self.params, self.results)
    }
}

/// The type of a parameter.
trait Parameter: Sized {
    const TYPE: CoreType;

    /// The parameter with these bits, which are zero-extended.
    fn lift(bits: u64) -> Result<Self, Errno>;
}

macro_rules! parameters {
    ($($ty:ty: $core:ident $lift:expr;)*) => { $(
        impl Parameter for $ty {
            const TYPE: CoreType = CoreType::$core;

            fn lift(bits: u64) -> Result<$ty, Errno> {
                let lift: fn(u64) -> Option<$ty> = $lift;
                lift(bits).ok_or(Errno::Inval)
            }
        }
    )* };
}

parameters! {
    u32: I32 |bits| Some(bits as u32);
    u64: I64 |bits| Some(bits);
    i64: I64 |bits| Some(bits as i64);
    Clock: I32 Clock::from_number;
    Advice: I32 Advice::from_number;
    Whence: I32 Whence::from_number;
    Signal: I32 Signal::from_number;
    FdFlags: I32 |bits| FdFlags::from_bits(u16::try_from(bits).ok()?);
    OpenFlags: I32 |bits| OpenFlags::from_bits(u16::try_from(bits).ok()?);
    LookupFlags: I32 |bits| LookupFlags::from_bits(bits as u32);
    TimeFlags: I32 |bits| TimeFlags::from_bits(u16::try_from(bits).ok()?);
    ReceiveFlags: I32 |bits| ReceiveFlags::from_bits(u16::try_from(bits).ok()?);
    SendFlags: I32 |bits| SendFlags::from_bits(u16::try_from(bits).ok()?);
    ShutdownFlags: I32 |bits| ShutdownFlags::from_bits(u8::try_from(bits).ok()?);
    // Programs ask for all rights by all bits; those without a meaning are ignored.
    Rights: I64 |bits| Some(Rights::from_bits_truncate(bits));
}

macro_rules! functions {
    ($($name:ident($($param:ident: $ty:ty),*) $(-> $result:ident)?;)*) => {
        /// All functions.
        pub const FUNCTIONS: &[Function] = &[$(
            Function {
                name: stringify!($name),
                params: &[$(<$ty as Parameter>::TYPE),*],
                results: &[$(CoreType::$result)?],
                enter: |wasi, guest, args| {
                    let mut _args = args.iter();
                    $( let $param = <$ty as Parameter>::lift(*next(&mut _args))?; )*
                    wasi.$name(guest, $($param),*)
                },
            }
        ),*];
    };
}

fn next<'a>(args: &mut std::slice::Iter<'a, u64>) -> &'a u64 {
    args.next().expect("an argument for each parameter")
}

functions! {
    args_get(argv: u32, argv_buf: u32) -> I32;
    args_sizes_get(count: u32, bytes: u32) -> I32;
    environ_get(environ: u32, environ_buf: u32) -> I32;
    environ_sizes_get(count: u32, bytes: u32) -> I32;
    clock_res_get(id: Clock, resolution: u32) -> I32;
    clock_time_get(id: Clock, precision: u64, time: u32) -> I32;
    fd_advise(fd: u32, offset: u64, len: u64, advice: Advice) -> I32;
    fd_allocate(fd: u32, offset: u64, len: u64) -> I32;
    fd_close(fd: u32) -> I32;
    fd_datasync(fd: u32) -> I32;
    fd_fdstat_get(fd: u32, stat: u32) -> I32;
    fd_fdstat_set_flags(fd: u32, flags: FdFlags) -> I32;
    fd_fdstat_set_rights(fd: u32, base: Rights, inheriting: Rights) -> I32;
    fd_filestat_get(fd: u32, stat: u32) -> I32;
    fd_filestat_set_size(fd: u32, size: u64) -> I32;
    fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, flags: TimeFlags) -> I32;
    fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, read: u32) -> I32;
    fd_prestat_get(fd: u32, prestat: u32) -> I32;
    fd_prestat_dir_name(fd: u32, path: u32, path_len: u32) -> I32;
    fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, written: u32) -> I32;
    fd_read(fd: u32, iovs: u32, iovs_len: u32, read: u32) -> I32;
    fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, used: u32) -> I32;
    fd_renumber(fd: u32, to: u32) -> I32;
    fd_seek(fd: u32, offset: i64, whence: Whence, new: u32) -> I32;
    fd_sync(fd: u32) -> I32;
    fd_tell(fd: u32, offset: u32) -> I32;
    fd_write(fd: u32, iovs: u32, iovs_len: u32, written: u32) -> I32;
    path_create_directory(fd: u32, path: u32, path_len: u32) -> I32;
    path_filestat_get(fd: u32, flags: LookupFlags, path: u32, path_len: u32, stat: u32) -> I32;
    path_filestat_set_times(
        fd: u32, flags: LookupFlags, path: u32, path_len: u32, atim: u64, mtim: u64,
        times: TimeFlags
    ) -> I32;
    path_link(
        old_fd: u32, old_flags: LookupFlags, old_path: u32, old_path_len: u32, new_fd: u32,
        new_path: u32, new_path_len: u32
    ) -> I32;
    path_open(
        fd: u32, dirflags: LookupFlags, path: u32, path_len: u32, oflags: OpenFlags, base: Rights,
        inheriting: Rights, flags: FdFlags, opened: u32
    ) -> I32;
    path_readlink(
        fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, used: u32
    ) -> I32;
    path_remove_directory(fd: u32, path: u32, path_len: u32) -> I32;
    path_rename(
        fd: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32
    ) -> I32;
    path_symlink(
        old_path: u32, old_path_len: u32, fd: u32, new_path: u32, new_path_len: u32
    ) -> I32;
    path_unlink_file(fd: u32, path: u32, path_len: u32) -> I32;
    poll_oneoff(subscriptions: u32, events: u32, count: u32, occurred: u32) -> I32;
    proc_exit(code: u32);
    proc_raise(signal: Signal) -> I32;
    sched_yield() -> I32;
    random_get(buf: u32, buf_len: u32) -> I32;
    sock_accept(fd: u32, flags: FdFlags, accepted: u32) -> I32;
    sock_recv(
        fd: u32, iovs: u32, iovs_len: u32, flags: ReceiveFlags, received: u32, received_flags: u32
    ) -> I32;
    sock_send(fd: u32, iovs: u32, iovs_len: u32, flags: SendFlags, sent: u32) -> I32;
    sock_shutdown(fd: u32, how: ShutdownFlags) -> I32;
}
