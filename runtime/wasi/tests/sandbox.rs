//! Attempts to leave the directories that a program has, and to make the host spend what a program
//! names: each is refused with its error code, and nothing outside has changed.

mod support;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use support::{BUFFER, DIR, OTHER, Program, RESULT, Tree};
use wassay_wasi::abi::{OpenFlags, Rights};
use wassay_wasi::{Errno, FUNCTIONS, Options};

const READ: Rights = Rights::FD_READ;
const NONE: OpenFlags = OpenFlags::empty();

/// The errors of every function of paths for a path that leads out.
fn every_function(program: &mut Program, path: &str) -> Vec<(&'static str, Errno)> {
    let opened = |result: Result<u32, Errno>| result.err().unwrap_or(Errno::Success);
    vec![
        ("open", opened(program.open(DIR, path, NONE, READ))),
        (
            "create",
            opened(program.open(DIR, path, OpenFlags::CREAT, Rights::FD_WRITE)),
        ),
        (
            "truncate",
            opened(program.open(DIR, path, OpenFlags::TRUNC, Rights::FD_WRITE)),
        ),
        (
            "directory",
            opened(program.open(DIR, path, OpenFlags::DIRECTORY, Rights::FD_READDIR)),
        ),
        ("stat", program.filestat(DIR, 1, path)),
        ("times", program.set_times(DIR, 1, path)),
        ("readlink", program.readlink(DIR, path)),
        ("mkdir", program.on_path("path_create_directory", DIR, path)),
        ("rmdir", program.on_path("path_remove_directory", DIR, path)),
        ("unlink", program.on_path("path_unlink_file", DIR, path)),
        ("rename from", program.rename(DIR, path, DIR, "stolen")),
        ("rename to", program.rename(DIR, "file", DIR, path)),
        ("link from", program.link(DIR, path, DIR, "stolen")),
        ("link to", program.link(DIR, "file", DIR, path)),
        ("symlink at", program.symlink("file", DIR, path)),
    ]
}

#[test]
fn paths_that_lead_out_are_refused_by_every_function() {
    let tree = Tree::new();
    let mut program = tree.program();
    let absolute = tree.path("outside/secret");
    for path in [
        "../outside/secret",
        "folder/../../outside/secret",
        "./folder/.././../outside/secret",
        "/etc/passwd",
        "//etc/passwd",
        absolute.to_str().expect("UTF-8"),
    ] {
        for (function, errno) in every_function(&mut program, path) {
            assert_eq!(errno, Errno::Perm, "{function} {path}");
        }
    }
    tree.check();
    assert_eq!(
        fs::read_to_string(tree.path("inside/file")).expect("there"),
        "contents"
    );
    assert!(!tree.path("inside/stolen").exists());
}

#[test]
fn the_parent_of_a_directory_is_out_of_reach() {
    let tree = Tree::new();
    let mut program = tree.program();
    for path in ["..", "../", "folder/../..", "../inside/file"] {
        let opened = program.open(DIR, path, NONE, READ);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
        assert_eq!(program.filestat(DIR, 1, path), Errno::Perm, "{path}");
    }
    // A directory below has its own root, although the program may use what is above it.
    let base = Rights::PATH_OPEN | Rights::PATH_FILESTAT_GET;
    let below = program.open_with(DIR, 0, "folder", OpenFlags::DIRECTORY, base, READ, 0);
    let below = below.expect("there");
    assert_eq!(program.open(below, "../file", NONE, READ), Err(Errno::Perm));
    assert_eq!(program.filestat(below, 1, "file"), Errno::Success);
    tree.check();
}

#[test]
fn symbolic_links_that_lead_out_are_not_followed() {
    let tree = Tree::new();
    let inside = tree.path("inside");
    let link = |contents: &Path, name: &str| symlink(contents, inside.join(name)).expect("made");
    link(&tree.path("outside/secret"), "absolute");
    link(Path::new("../outside/secret"), "relative");
    link(Path::new("relative"), "chain1");
    link(Path::new("folder/../chain1"), "chain2");
    link(&tree.path("outside"), "folder_out");
    link(Path::new(".."), "up");
    let mut program = tree.program();
    for path in [
        "absolute",
        "relative",
        "chain1",
        "chain2",
        "folder_out/secret",
        "up/outside/secret",
        "folder_out/folder/file",
    ] {
        for rights in [READ, Rights::FD_WRITE] {
            let opened = program.open(DIR, path, NONE, rights);
            assert_eq!(opened, Err(Errno::Perm), "{path}");
        }
        let opened = program.open(DIR, path, OpenFlags::CREAT, READ);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
        assert_eq!(program.filestat(DIR, 1, path), Errno::Perm, "{path}");
        assert_eq!(program.set_times(DIR, 1, path), Errno::Perm, "{path}");
    }
    // A link is not a way for what creates, renames or removes, either.
    for (function, errno) in every_function(&mut program, "folder_out/new") {
        assert_eq!(errno, Errno::Perm, "{function}");
    }
    // What it leads to is not told, and the link itself can be removed.
    assert_eq!(program.readlink(DIR, "absolute"), Errno::Perm);
    let removed = program.on_path("path_unlink_file", DIR, "absolute");
    assert_eq!(removed, Errno::Success);
    tree.check();
}

#[test]
fn a_program_cannot_make_links_that_lead_out() {
    let tree = Tree::new();
    let mut program = tree.program();
    assert_eq!(program.symlink("/etc/passwd", DIR, "absolute"), Errno::Perm);
    assert_eq!(program.symlink("/", DIR, "root"), Errno::Perm);
    // The contents of a link are not looked at, but it is not followed out.
    assert_eq!(
        program.symlink("../outside/secret", DIR, "relative"),
        Errno::Success
    );
    assert_eq!(program.open(DIR, "relative", NONE, READ), Err(Errno::Perm));
    // Nor by renaming a link to a place from which it would lead elsewhere.
    assert_eq!(program.symlink("..", DIR, "folder/up"), Errno::Success);
    assert_eq!(program.filestat(DIR, 1, "folder/up/file"), Errno::Success);
    assert_eq!(program.rename(DIR, "folder/up", DIR, "up"), Errno::Success);
    assert_eq!(program.filestat(DIR, 1, "up/inside/file"), Errno::Perm);
    tree.check();
}

#[test]
fn loops_of_links_end() {
    let tree = Tree::new();
    let mut program = tree.program();
    for (contents, name) in [("self", "self"), ("b", "a"), ("a", "b"), ("x/x", "x")] {
        assert_eq!(program.symlink(contents, DIR, name), Errno::Success);
    }
    for path in ["self", "a", "b", "x", "a/file", "x/x/x"] {
        let opened = program.open(DIR, path, NONE, READ);
        assert_eq!(opened, Err(Errno::Loop), "{path}");
        assert_eq!(program.filestat(DIR, 1, path), Errno::Loop, "{path}");
    }
    // Forty links are too many, even if they lead to something.
    assert_eq!(program.symlink("file", DIR, "l0"), Errno::Success);
    for n in 1..60 {
        let made = program.symlink(&format!("l{}", n - 1), DIR, &format!("l{n}"));
        assert_eq!(made, Errno::Success);
    }
    assert!(program.open(DIR, "l5", NONE, READ).is_ok());
    assert_eq!(program.open(DIR, "l59", NONE, READ), Err(Errno::Loop));
}

#[test]
fn trailing_slashes_are_of_directories() {
    let tree = Tree::new();
    let mut program = tree.program();
    for path in ["file/", "file//", "file/.", "file/x"] {
        let opened = program.open(DIR, path, NONE, READ);
        assert_eq!(opened, Err(Errno::NotDir), "{path}");
        assert_eq!(program.filestat(DIR, 1, path), Errno::NotDir, "{path}");
    }
    assert_eq!(
        program.on_path("path_unlink_file", DIR, "file/"),
        Errno::NotDir
    );
    assert_eq!(
        program.on_path("path_unlink_file", DIR, "folder/"),
        Errno::IsDir
    );
    assert_eq!(
        program.on_path("path_remove_directory", DIR, "file/"),
        Errno::NotDir
    );
    assert_eq!(
        program.on_path("path_create_directory", DIR, "new/"),
        Errno::Success
    );
    assert_eq!(
        program.on_path("path_remove_directory", DIR, "new//"),
        Errno::Success
    );
    assert_eq!(program.rename(DIR, "file", DIR, "new/"), Errno::NotDir);
    assert_eq!(program.link(DIR, "file", DIR, "new/"), Errno::NoEnt);
    assert_eq!(program.symlink("file", DIR, "new/"), Errno::NoEnt);
    assert!(program.open(DIR, "folder/", NONE, READ).is_ok());
    assert!(tree.path("inside/file").is_file());
}

#[test]
fn odd_paths_have_their_errors() {
    let tree = Tree::new();
    let mut program = tree.program();
    assert_eq!(program.open(DIR, "", NONE, READ), Err(Errno::NoEnt));
    assert_eq!(program.open(DIR, "file\0", NONE, READ), Err(Errno::Inval));
    assert_eq!(program.filestat(DIR, 1, "a\0b"), Errno::Inval);
    let long = "x".repeat(300);
    assert_eq!(
        program.open(DIR, &long, NONE, READ),
        Err(Errno::NameTooLong)
    );
    let longer = "x/".repeat(3000);
    assert_eq!(
        program.open(DIR, &longer, NONE, READ),
        Err(Errno::NameTooLong)
    );
    let [bytes, len] = program.put(b"\xff\xfe");
    let args = [u64::from(DIR), bytes, len];
    assert_eq!(program.call("path_create_directory", &args), Errno::IlSeq);
}

#[test]
fn magic_links_of_proc_are_not_followed() {
    if !Path::new("/proc/self/root").exists() {
        return;
    }
    let tree = Tree::new();
    symlink("/proc/self/root", tree.path("inside/root")).expect("made");
    symlink("/proc/self/fd", tree.path("inside/fds")).expect("made");
    let mut program = tree.program();
    for path in ["root", "root/etc/passwd", "fds/0", "fds"] {
        let opened = program.open(DIR, path, NONE, READ);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
    }
    // Even where a program may use all of /proc.
    let mut options = Options::new();
    options
        .directory(Path::new("/proc"), "/proc")
        .expect("there");
    let mut program = Program::new(options);
    for path in [
        "self/root/etc/passwd",
        "self/cwd/Cargo.toml",
        "self/root",
        "self/exe",
    ] {
        let opened = program.open(DIR, path, NONE, READ);
        assert!(
            matches!(opened, Err(Errno::Loop | Errno::Perm)),
            "{path}: {opened:?}"
        );
    }
}

#[test]
fn rights_bound_what_goes_from_one_directory_to_another() {
    let tree = Tree::new();
    let mut options = Options::new();
    let read_only = tree.path("inside");
    options
        .read_only_directory(&read_only, "/read")
        .expect("there");
    options
        .directory(&tree.path("other"), "/write")
        .expect("there");
    let mut program = Program::new(options);
    assert!(program.open(DIR, "file", NONE, READ).is_ok());
    // A hard link elsewhere would be a way to write to the file.
    assert_eq!(program.link(DIR, "file", OTHER, "link"), Errno::NotCapable);
    assert_eq!(program.link(OTHER, "file", DIR, "link"), Errno::NotCapable);
    assert_eq!(
        program.rename(DIR, "file", OTHER, "moved"),
        Errno::NotCapable
    );
    assert_eq!(
        program.rename(OTHER, "file", DIR, "moved"),
        Errno::NotCapable
    );
    for (function, errno) in every_function(&mut program, "file") {
        let reads = ["open", "stat", "readlink", "directory"].contains(&function);
        assert!(reads || errno == Errno::NotCapable, "{function}: {errno}");
    }
    // Directories opened through it have no more rights than it has.
    let all = Rights::all();
    let opened = program.open_with(DIR, 0, "folder", OpenFlags::DIRECTORY, READ, all, 0);
    assert_eq!(opened, Err(Errno::NotCapable));
    // Between directories that allow it, both work.
    let mut program = tree.program();
    assert_eq!(program.link(DIR, "file", OTHER, "link"), Errno::Success);
    assert_eq!(program.rename(OTHER, "link", DIR, "back"), Errno::Success);
    assert_eq!(program.rename(DIR, "nothing", OTHER, "x"), Errno::NoEnt);
    tree.check();
}

#[test]
fn truncating_needs_the_right() {
    let tree = Tree::new();
    let mut program = tree.program();
    let base = (Rights::PATH_OPEN | Rights::PATH_CREATE_FILE).bits();
    let inheriting = (READ | Rights::FD_WRITE).bits();
    let dropped = [u64::from(DIR), base, inheriting];
    assert_eq!(
        program.call("fd_fdstat_set_rights", &dropped),
        Errno::Success
    );
    let trunc = OpenFlags::TRUNC;
    let opened = program.open(DIR, "file", trunc, READ | Rights::FD_WRITE);
    assert_eq!(opened, Err(Errno::NotCapable));
    let opened = program.open(DIR, "file", trunc | OpenFlags::CREAT, Rights::empty());
    assert_eq!(opened, Err(Errno::NotCapable));
    assert_eq!(
        fs::read_to_string(tree.path("inside/file")).expect("there"),
        "contents"
    );
    // A right that is gone does not come back.
    let again = [
        u64::from(DIR),
        base | Rights::PATH_FILESTAT_SET_SIZE.bits(),
        0,
    ];
    assert_eq!(
        program.call("fd_fdstat_set_rights", &again),
        Errno::NotCapable
    );
    // The size of a file that is open for reading cannot be set.
    let fd = program.open(DIR, "file", NONE, READ).expect("there");
    let size = [u64::from(fd), 0];
    assert_eq!(
        program.call("fd_filestat_set_size", &size),
        Errno::NotCapable
    );
    assert_eq!(
        program.call("fd_allocate", &[u64::from(fd), 0, 1]),
        Errno::NotCapable
    );
}

#[test]
fn a_file_opened_for_creating_is_written_by_right_only() {
    let tree = Tree::new();
    let mut program = tree.program();
    let fd = program
        .open(DIR, "file", OpenFlags::CREAT, READ)
        .expect("there");
    assert_eq!(program.write(fd, b"no"), Errno::NotCapable);
    assert_eq!(program.read(fd), Ok(b"contents".to_vec()));
    let fd = program
        .open(DIR, "file", OpenFlags::CREAT, Rights::FD_WRITE)
        .expect("there");
    assert_eq!(program.read(fd), Err(Errno::NotCapable));
    assert_eq!(program.write(fd, b"CON"), Errno::Success);
    assert_eq!(
        fs::read_to_string(tree.path("inside/file")).expect("there"),
        "CONtents"
    );
}

#[test]
fn renumbering_needs_two_open_descriptors() {
    let tree = Tree::new();
    let mut program = tree.program();
    for (from, to) in [
        (99, DIR),
        (DIR, 99),
        (99, 98),
        (u32::MAX, DIR),
        (DIR, u32::MAX),
    ] {
        let args = [u64::from(from), u64::from(to)];
        assert_eq!(
            program.call("fd_renumber", &args),
            Errno::BadF,
            "{from} to {to}"
        );
    }
    // Onto itself changes nothing; onto another one closes that.
    assert_eq!(program.call("fd_renumber", &[3, 3]), Errno::Success);
    let fd = program.open(DIR, "file", NONE, READ).expect("there");
    assert_eq!(
        program.call("fd_renumber", &[u64::from(fd), 3]),
        Errno::Success
    );
    assert_eq!(program.read(DIR), Ok(b"contents".to_vec()));
    assert_eq!(program.call("fd_close", &[u64::from(fd)]), Errno::BadF);
    assert_eq!(program.open(DIR, "file", NONE, READ), Err(Errno::NotDir));
    assert_eq!(program.call("fd_prestat_get", &[3, 16]), Errno::BadF);
}

#[test]
fn buffers_outside_of_the_memory_are_refused_before_anything_is_done() {
    let tree = Tree::new();
    let mut program = tree.program();
    let rights = READ | Rights::FD_WRITE | Rights::FD_SEEK;
    let fd = u64::from(program.open(DIR, "file", NONE, rights).expect("there"));
    let iovecs: [(&[(u32, u32)], Errno); 7] = [
        (&[(0, u32::MAX)], Errno::Fault),
        (&[(u32::MAX, u32::MAX)], Errno::Fault),
        (&[(u32::MAX, 1)], Errno::Fault),
        (&[(65_535, 2)], Errno::Fault),
        (&[(65_536, 1)], Errno::Fault),
        (&[(0, 4), (1 << 31, 1 << 31)], Errno::Fault),
        (&[(65_536, 0), (0, 0)], Errno::Success),
    ];
    let result = u64::from(RESULT);
    for (iovec, errno) in iovecs {
        let bytes: Vec<u8> = iovec
            .iter()
            .flat_map(|(at, len)| [at.to_le_bytes(), len.to_le_bytes()].concat())
            .collect();
        let [at, len] = program.put(&bytes);
        let count = len / 8;
        let call = [fd, at, count, result];
        assert_eq!(program.call("fd_read", &call), errno, "{iovec:?}");
        assert_eq!(program.call("fd_write", &call), errno, "{iovec:?}");
        let call = [fd, at, count, 0, result];
        assert_eq!(program.call("fd_pread", &call), errno, "{iovec:?}");
        assert_eq!(program.call("fd_pwrite", &call), errno, "{iovec:?}");
    }
    // A list that is too long, that wraps, that ends outside.
    for (at, count, errno) in [
        (0, u64::from(u32::MAX), Errno::Inval),
        (0, 1025, Errno::Inval),
        (u64::from(u32::MAX), 1, Errno::Fault),
        (65_536 - 7, 1, Errno::Fault),
        (65_536 - 8 * 1024, 1024, Errno::Success),
    ] {
        let errno_found = program.call("fd_read", &[fd, at, count, result]);
        assert_eq!(errno_found, errno, "{at} {count}");
    }
    // Nowhere for the result: nothing is read.
    let iovec = [BUFFER.to_le_bytes(), 4u32.to_le_bytes()].concat();
    let [at, _] = program.put(&iovec);
    assert_eq!(program.call("fd_read", &[fd, at, 1, 65_533]), Errno::Fault);
    assert_eq!(program.call("fd_tell", &[fd, result]), Errno::Success);
    assert_eq!(program.u64_at(RESULT), 0);
    assert_eq!(
        fs::read_to_string(tree.path("inside/file")).expect("there"),
        "contents"
    );
    // Offsets that no file has.
    for offset in [u64::MAX, u64::MAX - 3, i64::MAX as u64, 1 << 63] {
        let call = [fd, at, 1, offset, result];
        assert_eq!(program.call("fd_pread", &call), Errno::Inval, "{offset}");
        assert_eq!(program.call("fd_pwrite", &call), Errno::Inval, "{offset}");
    }
}

/// The numbers that a program names are much larger than what the host spends.
#[test]
fn nothing_is_allocated_by_the_numbers_of_a_program() {
    let tree = Tree::new();
    let mut program = tree.program();
    let fd = u64::from(program.open(DIR, "file", NONE, READ).expect("there"));
    let result = u64::from(RESULT);
    let huge = u64::from(u32::MAX);
    assert_eq!(program.call("random_get", &[0, huge]), Errno::Fault);
    assert_eq!(program.call("random_get", &[1, 65_536]), Errno::Fault);
    let readdir = [u64::from(DIR), 0, huge, 0, result];
    assert_eq!(program.call("fd_readdir", &readdir), Errno::Fault);
    let path = [u64::from(DIR), 0, huge];
    assert_eq!(program.call("path_create_directory", &path), Errno::Fault);
    let path = [u64::from(DIR), 0, 65_536];
    assert_eq!(
        program.call("path_create_directory", &path),
        Errno::NameTooLong
    );
    let poll = [0, 0, huge, result];
    assert_eq!(program.call("poll_oneoff", &poll), Errno::Inval);
    let poll = [0, 0, 4096, result];
    assert_eq!(program.call("poll_oneoff", &poll), Errno::Fault);
    let readlink = [u64::from(DIR), 0, 1, 0, huge, result];
    assert_eq!(program.call("path_readlink", &readlink), Errno::Fault);
    // With a memory of a gigabyte, of which the system has given nothing yet.
    program.memory = vec![0; 1 << 30];
    let before = resident_bytes_max();
    let big = (1u32 << 29).to_le_bytes();
    let [at, _] = program.put(&[0u32.to_le_bytes(), big].concat());
    assert_eq!(
        program.call("fd_read", &[fd, at, 1, result]),
        Errno::Success
    );
    assert_eq!(program.result(), 8);
    let readdir = [u64::from(DIR), 1 << 20, 1 << 29, 0, result];
    assert_eq!(program.call("fd_readdir", &readdir), Errno::Success);
    let grown = resident_bytes_max() - before;
    assert!(
        grown < 64 << 20,
        "{grown} bytes for the numbers of a program"
    );
}

/// The most bytes that this process has had in the memory of the machine.
fn resident_bytes_max() -> u64 {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

#[test]
fn descriptors_are_limited() {
    let tree = Tree::new();
    let mut options = tree.options();
    options.descriptors_max(8);
    let mut program = Program::new(options);
    for _ in 5..8 {
        assert!(program.open(DIR, "file", NONE, READ).is_ok());
    }
    let opened = program.open(DIR, "new", OpenFlags::CREAT, READ);
    assert_eq!(opened, Err(Errno::MFile));
    assert!(!tree.path("inside/new").exists());
}

/// Every function with every argument at the ends of its type: an error code, and not a panic.
#[test]
fn extreme_arguments_have_an_error_code() {
    let tree = Tree::new();
    for extreme in [
        0,
        1,
        3,
        4,
        5,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        u64::MAX,
        1 << 63,
    ] {
        let mut program = tree.program();
        for function in FUNCTIONS {
            let args: Vec<u64> = function
                .params
                .iter()
                .map(|ty| match ty {
                    wassay_wasi::CoreType::I32 => extreme & 0xffff_ffff,
                    wassay_wasi::CoreType::I64 => extreme,
                })
                .collect();
            let _ = program.try_call(function.name, &args);
        }
    }
    tree.check();
}

/// While a folder and a link that leads out take turns under one name, a program never reads or
/// writes what is outside.
#[test]
fn swaps_in_mid_operation_lead_nowhere() {
    let tree = Tree::new();
    let place = tree.path("inside/swapped");
    let folder = tree.path("inside/real");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("secret"), "inside").expect("written");
    let link = tree.path("inside/link");
    symlink("../outside", &link).expect("made");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for it in [&folder, &link] {
                    fs::rename(it, &place).expect("swapped in");
                    fs::rename(&place, it).expect("swapped out");
                }
            }
        });
        let mut program = tree.program();
        let begin = Instant::now();
        let mut found = 0;
        while begin.elapsed() < Duration::from_millis(700) {
            let rights = READ | Rights::FD_WRITE;
            if let Ok(fd) = program.open(DIR, "swapped/secret", NONE, rights) {
                assert_eq!(program.read(fd), Ok(b"inside".to_vec()));
                assert_eq!(program.call("fd_close", &[u64::from(fd)]), Errno::Success);
                found += 1;
            }
            let _ = program
                .open(DIR, "swapped/new", OpenFlags::CREAT, rights)
                .map(|fd| {
                    program.call("fd_close", &[u64::from(fd)]);
                    program.on_path("path_unlink_file", DIR, "swapped/new")
                });
            program.link(DIR, "file", DIR, "swapped/linked");
            program.on_path("path_unlink_file", DIR, "swapped/secret_not");
            program.set_times(DIR, 1, "swapped/secret");
        }
        done.store(true, Ordering::Relaxed);
        assert!(found > 0, "the folder has been there at times");
    });
    tree.check();
}
