//! The functions one by one, without an engine: what they do where all is well.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

use support::{BUFFER, DIR, OTHER, Program, RESULT, Tree};
use wassay_wasi::abi::{OpenFlags, Rights};
use wassay_wasi::{Ending, Errno, FUNCTIONS, Options};

const NONE: OpenFlags = OpenFlags::empty();
const READ: Rights = Rights::FD_READ;
const R: u64 = RESULT as u64;

#[test]
fn the_table_has_each_function_once() {
    let mut names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FUNCTIONS.len());
    assert_eq!(names.len(), 46);
}

#[test]
fn offsets_move_as_they_are_told() {
    let tree = Tree::new();
    let mut program = tree.program();
    let rights = READ | Rights::FD_SEEK | Rights::FD_WRITE;
    let fd = u64::from(program.open(DIR, "file", NONE, rights).expect("there"));
    let steps: [(i64, u64, Result<u64, Errno>); 8] = [
        (0, 1, Ok(0)),
        (3, 0, Ok(3)),
        (2, 1, Ok(5)),
        (-1, 2, Ok(7)),
        (100, 2, Ok(108)),
        (-1, 0, Err(Errno::Inval)),
        (-200, 1, Err(Errno::Inval)),
        (0, 3, Err(Errno::Inval)),
    ];
    for (offset, whence, expected) in steps {
        let errno = program.call("fd_seek", &[fd, offset as u64, whence, R]);
        let found = match errno {
            Errno::Success => Ok(program.u64_at(RESULT)),
            errno => Err(errno),
        };
        assert_eq!(found, expected, "{offset} {whence}");
    }
    assert_eq!(program.call("fd_tell", &[fd, R]), Errno::Success);
    assert_eq!(program.u64_at(RESULT), 108);
}

#[test]
fn flags_for_appending_come_and_go() {
    let tree = Tree::new();
    let mut program = tree.program();
    let rights = Rights::FD_WRITE | Rights::FD_SEEK | Rights::FD_FDSTAT_SET_FLAGS;
    let fd = program.open_with(DIR, 0, "file", NONE, rights, Rights::empty(), 1);
    let fd = fd.expect("there");
    assert_eq!(program.write(fd, b"+"), Errno::Success);
    let text = |tree: &Tree| fs::read_to_string(tree.path("inside/file")).expect("there");
    assert_eq!(text(&tree), "contents+");
    assert_eq!(
        program.call("fd_fdstat_set_flags", &[fd.into(), 0]),
        Errno::Success
    );
    assert_eq!(
        program.call("fd_seek", &[fd.into(), 0, 0, R]),
        Errno::Success
    );
    assert_eq!(program.write(fd, b"C"), Errno::Success);
    assert_eq!(text(&tree), "Contents+");
    // All flags, those for synchronising among them, are told as they were set.
    assert_eq!(
        program.call("fd_fdstat_set_flags", &[fd.into(), 31]),
        Errno::Success
    );
    assert_eq!(
        program.call("fd_fdstat_get", &[fd.into(), R]),
        Errno::Success
    );
    assert_eq!(program.memory[RESULT as usize + 2], 31);
    assert_eq!(program.write(fd, b"!"), Errno::Success);
    assert_eq!(
        program.call("fd_fdstat_set_flags", &[fd.into(), 32]),
        Errno::Inval
    );
}

#[test]
fn sizes_and_places_are_made_and_set() {
    let tree = Tree::new();
    let mut program = tree.program();
    let rights = Rights::FD_WRITE
        | Rights::FD_ALLOCATE
        | Rights::FD_ADVISE
        | Rights::FD_FILESTAT_SET_SIZE
        | Rights::FD_SYNC
        | Rights::FD_DATASYNC;
    let fd = u64::from(program.open(DIR, "file", NONE, rights).expect("there"));
    let len = || fs::metadata(tree.path("inside/file")).expect("there").len();
    assert_eq!(
        program.call("fd_filestat_set_size", &[fd, 3]),
        Errno::Success
    );
    assert_eq!(len(), 3);
    assert_eq!(
        program.call("fd_filestat_set_size", &[fd, u64::MAX]),
        Errno::Inval
    );
    assert_eq!(program.call("fd_allocate", &[fd, 10, 90]), Errno::Success);
    assert_eq!(len(), 100);
    assert_eq!(program.call("fd_allocate", &[fd, 0, 0]), Errno::Inval);
    assert_eq!(program.call("fd_allocate", &[fd, 1, u64::MAX]), Errno::FBig);
    assert_eq!(
        program.call("fd_allocate", &[fd, 1, i64::MAX as u64]),
        Errno::FBig
    );
    for advice in 0..6 {
        assert_eq!(
            program.call("fd_advise", &[fd, 0, 10, advice]),
            Errno::Success
        );
    }
    assert_eq!(program.call("fd_advise", &[fd, 0, 10, 6]), Errno::Inval);
    assert_eq!(program.call("fd_sync", &[fd]), Errno::Success);
    assert_eq!(program.call("fd_datasync", &[fd]), Errno::Success);
    let pipe = [1, 0, 10];
    assert_eq!(program.call("fd_allocate", &pipe), Errno::NotCapable);
}

#[test]
fn times_are_set_of_files_links_and_directories() {
    use std::os::unix::fs::MetadataExt;

    let tree = Tree::new();
    let mut program = tree.program();
    assert_eq!(program.symlink("file", DIR, "link"), Errno::Success);
    let modified = |path: &str| {
        fs::symlink_metadata(tree.path(path))
            .expect("there")
            .mtime()
    };
    assert_eq!(program.set_times(DIR, 0, "link"), Errno::Success);
    assert_eq!(modified("inside/link"), 0);
    assert_ne!(modified("inside/file"), 0);
    assert_eq!(program.set_times(DIR, 1, "link"), Errno::Success);
    assert_eq!(modified("inside/file"), 0);
    let second = 7_000_000_000;
    let dir = u64::from(OTHER);
    let set = [dir, second, second, 0b0101];
    assert_eq!(program.call("fd_filestat_set_times", &set), Errno::Success);
    assert_eq!(modified("other"), 7);
    let set = [dir, second, second, 0b1100];
    assert_eq!(program.call("fd_filestat_set_times", &set), Errno::Inval);
    let set = [dir, 0, 0, 0b1010];
    assert_eq!(program.call("fd_filestat_set_times", &set), Errno::Success);
    assert!(modified("other") > 1_000_000_000);
}

#[test]
fn cookies_stay_while_a_directory_changes() {
    let tree = Tree::new();
    let mut program = tree.program();
    for n in 0..20 {
        fs::write(tree.path(&format!("inside/n{n:02}")), "").expect("written");
    }
    let mut names = Vec::new();
    let mut cookie = 0;
    loop {
        // Room for one entry and a part of the next one.
        let args = [DIR.into(), BUFFER.into(), 40, cookie, R];
        assert_eq!(program.call("fd_readdir", &args), Errno::Success);
        if program.result() < 24 {
            break;
        }
        cookie = program.u64_at(BUFFER);
        let len = program.u32_at(BUFFER + 16);
        let name = program.buffer(24 + len).split_off(24);
        let name = String::from_utf8(name).expect("UTF-8");
        if name.starts_with('n') {
            fs::remove_file(tree.path(&format!("inside/{name}"))).expect("removed");
        }
        names.push(name);
    }
    let numbered = names.iter().filter(|name| name.starts_with('n')).count();
    assert_eq!((names.len(), numbered), (24, 20), "{names:?}");
    assert_eq!(names[..2], [".", ".."]);
    // From the first one on, the directory is read again; a cookie beyond the end has no entries.
    let args = [DIR.into(), BUFFER.into(), 4096, 0, R];
    assert_eq!(program.call("fd_readdir", &args), Errno::Success);
    assert_eq!(program.result(), 4 * 24 + 1 + 2 + 4 + 6);
    let args = [DIR.into(), BUFFER.into(), 4096, u64::MAX, R];
    assert_eq!(program.call("fd_readdir", &args), Errno::Success);
    assert_eq!(program.result(), 0);
}

#[test]
fn preopened_directories_have_names() {
    let tree = Tree::new();
    let mut program = tree.program();
    assert_eq!(
        program.call("fd_prestat_get", &[OTHER.into(), R]),
        Errno::Success
    );
    assert_eq!((program.result(), program.u32_at(RESULT + 4)), (0, 6));
    let name = |len| [u64::from(OTHER), u64::from(BUFFER), len];
    assert_eq!(
        program.call("fd_prestat_dir_name", &name(5)),
        Errno::NameTooLong
    );
    assert_eq!(
        program.call("fd_prestat_dir_name", &name(7)),
        Errno::Success
    );
    assert_eq!(program.buffer(7), b"/other\0");
    for fd in [0, 1, 2, 5] {
        assert_eq!(
            program.call("fd_prestat_get", &[fd, R]),
            Errno::BadF,
            "{fd}"
        );
    }
}

#[test]
fn connections_are_accepted_and_used() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let mut options = Options::new();
    options.descriptor(listener);
    let mut program = Program::new(options);
    // Nobody is there: not blocking says so.
    assert_eq!(program.call("fd_fdstat_set_flags", &[3, 4]), Errno::Success);
    assert_eq!(program.call("sock_accept", &[3, 0, R]), Errno::Again);
    assert_eq!(program.call("fd_fdstat_set_flags", &[3, 0]), Errno::Success);
    let mut peer = TcpStream::connect(address).expect("a listener");
    assert_eq!(program.call("sock_accept", &[3, 1, R]), Errno::Inval);
    assert_eq!(program.call("sock_accept", &[3, 0, R]), Errno::Success);
    let fd = u64::from(program.result());
    peer.write_all(b"hello").expect("sent");
    let iovec = [BUFFER.to_le_bytes(), 3u32.to_le_bytes()].concat();
    let [iovec, _] = program.put(&iovec);
    // A peek leaves the bytes.
    for (flags, text) in [(1, b"hel"), (0, b"hel")] {
        let recv = [fd, iovec, 1, flags, R, 24];
        assert_eq!(program.call("sock_recv", &recv), Errno::Success);
        assert_eq!((program.result(), program.buffer(3)), (3, text.to_vec()));
    }
    peer.write_all(b"!").expect("sent");
    // All three bytes are waited for.
    let recv = [fd, iovec, 1, 2, R, 24];
    assert_eq!(program.call("sock_recv", &recv), Errno::Success);
    assert_eq!((program.result(), program.buffer(3)), (3, b"lo!".to_vec()));
    assert_eq!(
        program.call("sock_send", &[fd, iovec, 1, 0, R]),
        Errno::Success
    );
    assert_eq!(
        program.call("sock_send", &[fd, iovec, 1, 1, R]),
        Errno::Inval
    );
    assert_eq!(program.call("sock_shutdown", &[fd, 0]), Errno::Inval);
    assert_eq!(program.call("sock_shutdown", &[fd, 2]), Errno::Success);
    let mut text = String::new();
    peer.read_to_string(&mut text).expect("sent and shut down");
    assert_eq!(text, "lo!");
    drop(peer);
    let recv = [fd, iovec, 1, 0, R, 24];
    assert_eq!(program.call("sock_recv", &recv), Errno::Success);
    assert_eq!(program.result(), 0);
    // What is not a socket.
    assert_eq!(program.call("sock_shutdown", &[1, 1]), Errno::NotSock);
    assert_eq!(program.call("sock_accept", &[99, 0, R]), Errno::BadF);
}

#[test]
fn datagrams_that_are_cut_off_say_so() {
    let (ours, theirs) = UnixDatagram::pair().expect("a pair");
    let mut options = Options::new();
    options.descriptor(theirs);
    let mut program = Program::new(options);
    ours.send(b"a long message").expect("sent");
    ours.send(b"ok").expect("sent");
    let iovec = [BUFFER.to_le_bytes(), 6u32.to_le_bytes()].concat();
    let [iovec, _] = program.put(&iovec);
    for (len, cut) in [(6, 1), (2, 0)] {
        assert_eq!(
            program.call("sock_recv", &[3, iovec, 1, 0, R, 24]),
            Errno::Success
        );
        assert_eq!((program.result(), program.u32_at(24) & 0xffff), (len, cut));
    }
    assert_eq!(program.call("fd_fdstat_get", &[3, R]), Errno::Success);
    assert_eq!(program.memory[RESULT as usize], 5);
}

/// Puts a subscription at the `n`th place: clocks by their number, descriptors by theirs.
fn subscribe(program: &mut Program, n: usize, event: u8, of: u32, timeout: u64) {
    let at = 40_000 + n * 48;
    program.memory[at..at + 48].fill(0);
    program.memory[at] = n as u8;
    program.memory[at + 8] = event;
    program.memory[at + 16..at + 20].copy_from_slice(&of.to_le_bytes());
    program.memory[at + 24..at + 32].copy_from_slice(&timeout.to_le_bytes());
}

/// The events of a poll: user data, error code, bytes and flags.
fn poll(program: &mut Program, count: u64) -> Vec<(u8, u8, u64, u8)> {
    let out = 50_000;
    assert_eq!(
        program.call("poll_oneoff", &[40_000, out, count, R]),
        Errno::Success
    );
    let events = (0..program.result()).map(|n| {
        let at = out as u32 + n * 32;
        let byte = |offset: u32| program.memory[(at + offset) as usize];
        (byte(0), byte(8), program.u64_at(at + 16), byte(24))
    });
    events.collect()
}

#[test]
fn polls_wait_for_clocks_and_descriptors() {
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    let mut options = Options::new();
    options.descriptor(theirs);
    let mut program = Program::new(options);
    let begin = Instant::now();
    subscribe(&mut program, 0, 0, 1, 30_000_000);
    subscribe(&mut program, 1, 1, 3, 0);
    assert_eq!(poll(&mut program, 2), [(0, 0, 0, 0)]);
    assert!(begin.elapsed() >= Duration::from_millis(30));
    ours.write_all(b"four").expect("sent");
    subscribe(&mut program, 2, 2, 3, 0);
    assert_eq!(poll(&mut program, 3), [(1, 0, 4, 0), (2, 0, 0, 0)]);
    drop(ours);
    assert_eq!(poll(&mut program, 2)[0].3, 1, "the peer has hung up");
    // A clock that does not exist, one that does not pass, a descriptor that is not open.
    subscribe(&mut program, 0, 0, 9, 1);
    subscribe(&mut program, 1, 0, 2, 1);
    subscribe(&mut program, 2, 1, 77, 0);
    let errors: Vec<u8> = poll(&mut program, 3).iter().map(|event| event.1).collect();
    let expected = [Errno::Inval, Errno::NotSup, Errno::BadF].map(|it| it.number() as u8);
    assert_eq!(errors, expected);
    subscribe(&mut program, 0, 3, 0, 0);
    let call = [40_000, 50_000, 1, R];
    assert_eq!(program.call("poll_oneoff", &call), Errno::Inval);
}

#[test]
fn deadlines_end_waits() {
    let (_ours, theirs) = UnixStream::pair().expect("a pair");
    let mut options = Options::new();
    options.descriptor(theirs);
    options.deadline(Instant::now() + Duration::from_millis(50));
    let mut program = Program::new(options);
    let begin = Instant::now();
    let iovec = [BUFFER.to_le_bytes(), 3u32.to_le_bytes()].concat();
    let [iovec, _] = program.put(&iovec);
    let read = program.try_call("fd_read", &[3, iovec, 1, R]);
    assert_eq!(read, Err(Ending::Deadline));
    subscribe(&mut program, 0, 0, 1, u64::MAX);
    let waited = program.try_call("poll_oneoff", &[40_000, 50_000, 1, R]);
    assert_eq!(waited, Err(Ending::Deadline));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn random_numbers_follow_from_a_seed() {
    let bytes = |seed: Option<u64>| {
        let mut options = Options::new();
        if let Some(seed) = seed {
            options.seed(seed);
        }
        let mut program = Program::new(options);
        let args = [u64::from(BUFFER), 5000];
        assert_eq!(program.call("random_get", &args), Errno::Success);
        program.buffer(5000)
    };
    assert_eq!(bytes(Some(1)), bytes(Some(1)));
    assert_ne!(bytes(Some(1)), bytes(Some(2)));
    assert_ne!(bytes(None), bytes(None));
    // Numbers of one seed are the same on every host.
    assert_eq!(bytes(Some(1))[..4], SEED_1);
}

const SEED_1: [u8; 4] = [97, 24, 48, 211];

#[test]
fn clocks_of_the_system_go_on() {
    let mut program = Program::new(Options::new());
    for clock in 0..4 {
        assert_eq!(program.call("clock_res_get", &[clock, R]), Errno::Success);
        assert_ne!(program.u64_at(RESULT), 0);
        assert_eq!(
            program.call("clock_time_get", &[clock, 0, R]),
            Errno::Success
        );
        let first = program.u64_at(RESULT);
        assert_eq!(
            program.call("clock_time_get", &[clock, 0, R]),
            Errno::Success
        );
        assert!(program.u64_at(RESULT) >= first);
    }
    assert_eq!(program.call("clock_res_get", &[4, R]), Errno::Inval);
}

#[test]
fn options_that_cannot_be_used_are_refused() {
    let refused = |set: fn(&mut Options)| {
        let mut options = Options::new();
        set(&mut options);
        options.build().is_err()
    };
    assert!(refused(|options| _ = options.arg("a\0b")));
    assert!(refused(|options| _ = options.env("A=B", "c")));
    assert!(refused(|options| _ = options.env("", "c")));
    assert!(refused(|options| _ = options.env("A", "\0")));
    assert!(!refused(|options| _ = options.env("A", "=")));
    let nowhere = std::path::Path::new("/nowhere/at/all");
    assert!(Options::new().directory(nowhere, "/").is_err());
}

/// Two programs that do the same in equal directories see the same attributes. Without the option
/// they see the host's inodes and times.
#[test]
fn attributes_of_files_need_not_depend_on_the_host() {
    let seen = |is_steady: bool| {
        let tree = Tree::new();
        let mut options = tree.options();
        if is_steady {
            options.steady_files(77);
        }
        let mut program = Program::new(options);
        let rights = READ | Rights::FD_WRITE | Rights::FD_FILESTAT_GET;
        let fd = program.open(DIR, "made", OpenFlags::CREAT, rights);
        let fd = u64::from(fd.expect("created"));
        let words =
            |program: &Program| [0, 8, 16, 24, 32, 40, 48, 56].map(|n| program.u64_at(RESULT + n));
        assert_eq!(program.call("fd_filestat_get", &[fd, R]), Errno::Success);
        let by_descriptor = words(&program);
        assert_eq!(program.filestat(DIR, 0, "made"), Errno::Success);
        assert_eq!(words(&program), by_descriptor);
        let list = [DIR.into(), BUFFER.into(), 400, 0, R];
        assert_eq!(program.call("fd_readdir", &list), Errno::Success);
        (by_descriptor, program.buffer(program.result()))
    };
    let (first, second) = (seen(true), seen(true));
    assert_eq!(first, second);
    let regular_file = 4;
    assert_eq!(first.0, [0, 1, regular_file, 1, 0, 77, 77, 77]);
    assert_ne!(seen(false), seen(false));
}
