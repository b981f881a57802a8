//! A program without an engine: calls by the table, with a memory of its own, and trees of files.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wassay_wasi::abi::{OpenFlags, Rights};
use wassay_wasi::{Ending, Errno, FUNCTIONS, Function, Options, Wasi};

/// The descriptor of the first directory that is handed on.
pub const DIR: u32 = 3;
/// The descriptor of the second one.
pub const OTHER: u32 = 4;
/// The place in memory of results.
pub const RESULT: u32 = 16;
/// The place in memory of buffers.
pub const BUFFER: u32 = 32 << 10;

/// The state of a program and its memory.
pub struct Program {
    pub wasi: Wasi,
    pub memory: Vec<u8>,
    next: u32,
}

impl Program {
    pub fn new(options: Options) -> Program {
        Program {
            wasi: options.build().expect("options that can be used"),
            memory: vec![0; 64 << 10],
            next: 0,
        }
    }

    /// Puts bytes into the memory: their address and their number.
    pub fn put(&mut self, bytes: &[u8]) -> [u64; 2] {
        if self.next as usize + bytes.len() > (BUFFER as usize) - 1024 {
            self.next = 0;
        }
        let address = 1024 + self.next;
        let end = address as usize + bytes.len();
        self.memory[address as usize..end].copy_from_slice(bytes);
        self.next += bytes.len() as u32;
        [u64::from(address), bytes.len() as u64]
    }

    pub fn call(&mut self, name: &str, args: &[u64]) -> Errno {
        self.try_call(name, args).expect("the program goes on")
    }

    pub fn try_call(&mut self, name: &str, args: &[u64]) -> Result<Errno, Ending> {
        function(name).call(&mut self.wasi, &mut &mut self.memory[..], args)
    }

    /// The 32-bit result of the last call.
    pub fn result(&self) -> u32 {
        self.u32_at(RESULT)
    }

    pub fn u32_at(&self, address: u32) -> u32 {
        let at = address as usize;
        u32::from_le_bytes(self.memory[at..at + 4].try_into().expect("four bytes"))
    }

    pub fn u64_at(&self, address: u32) -> u64 {
        let at = address as usize;
        u64::from_le_bytes(self.memory[at..at + 8].try_into().expect("eight bytes"))
    }

    /// Opens a path, following links.
    pub fn open(
        &mut self,
        fd: u32,
        path: &str,
        oflags: OpenFlags,
        base: Rights,
    ) -> Result<u32, Errno> {
        self.open_with(fd, 1, path, oflags, base, Rights::empty(), 0)
    }

    #[allow(clippy::too_many_arguments, reason = "those of the function")]
    pub fn open_with(
        &mut self,
        fd: u32,
        lookup: u64,
        path: &str,
        oflags: OpenFlags,
        base: Rights,
        inheriting: Rights,
        flags: u64,
    ) -> Result<u32, Errno> {
        let [path, len] = self.put(path.as_bytes());
        let oflags = u64::from(oflags.bits());
        let rights = [base.bits(), inheriting.bits()];
        let args = [
            u64::from(fd),
            lookup,
            path,
            len,
            oflags,
            rights[0],
            rights[1],
            flags,
        ];
        let args = [&args[..], &[u64::from(RESULT)]].concat();
        match self.call("path_open", &args) {
            Errno::Success => Ok(self.result()),
            errno => Err(errno),
        }
    }

    /// A call whose arguments are a descriptor and a path.
    pub fn on_path(&mut self, name: &str, fd: u32, path: &str) -> Errno {
        let [path, len] = self.put(path.as_bytes());
        self.call(name, &[u64::from(fd), path, len])
    }

    /// A call whose arguments are two descriptors with paths: `path_rename`.
    pub fn rename(&mut self, from: u32, old: &str, to: u32, new: &str) -> Errno {
        let ([old, old_len], [new, new_len]) = (self.put(old.as_bytes()), self.put(new.as_bytes()));
        let args = [u64::from(from), old, old_len, u64::from(to), new, new_len];
        self.call("path_rename", &args)
    }

    pub fn link(&mut self, from: u32, old: &str, to: u32, new: &str) -> Errno {
        let ([old, old_len], [new, new_len]) = (self.put(old.as_bytes()), self.put(new.as_bytes()));
        let args = [
            u64::from(from),
            0,
            old,
            old_len,
            u64::from(to),
            new,
            new_len,
        ];
        self.call("path_link", &args)
    }

    pub fn symlink(&mut self, contents: &str, fd: u32, new: &str) -> Errno {
        let contents = self.put(contents.as_bytes());
        let new = self.put(new.as_bytes());
        let args = [contents[0], contents[1], u64::from(fd), new[0], new[1]];
        self.call("path_symlink", &args)
    }

    pub fn filestat(&mut self, fd: u32, lookup: u64, path: &str) -> Errno {
        let [path, len] = self.put(path.as_bytes());
        let args = [u64::from(fd), lookup, path, len, u64::from(RESULT)];
        self.call("path_filestat_get", &args)
    }

    pub fn readlink(&mut self, fd: u32, path: &str) -> Errno {
        let [path, len] = self.put(path.as_bytes());
        let buffer = u64::from(BUFFER);
        let args = [u64::from(fd), path, len, buffer, 256, u64::from(RESULT)];
        self.call("path_readlink", &args)
    }

    pub fn set_times(&mut self, fd: u32, lookup: u64, path: &str) -> Errno {
        let [path, len] = self.put(path.as_bytes());
        let args = [u64::from(fd), lookup, path, len, 5, 5, 0b101];
        self.call("path_filestat_set_times", &args)
    }

    /// Writes bytes by one of `fd_write` and `sock_send`.
    pub fn write(&mut self, fd: u32, bytes: &[u8]) -> Errno {
        let [at, len] = self.put(bytes);
        let iovec = [(at as u32).to_le_bytes(), (len as u32).to_le_bytes()].concat();
        let [iovec, _] = self.put(&iovec);
        self.call("fd_write", &[u64::from(fd), iovec, 1, u64::from(RESULT)])
    }

    /// Reads up to 256 bytes by `fd_read`.
    pub fn read(&mut self, fd: u32) -> Result<Vec<u8>, Errno> {
        let iovec = [BUFFER.to_le_bytes(), 256u32.to_le_bytes()].concat();
        let [iovec, _] = self.put(&iovec);
        match self.call("fd_read", &[u64::from(fd), iovec, 1, u64::from(RESULT)]) {
            Errno::Success => Ok(self.buffer(self.result())),
            errno => Err(errno),
        }
    }

    pub fn buffer(&self, len: u32) -> Vec<u8> {
        let at = BUFFER as usize;
        self.memory[at..at + len as usize].to_vec()
    }
}

pub fn function(name: &str) -> &'static Function {
    let found = FUNCTIONS.iter().find(|function| function.name == name);
    found.unwrap_or_else(|| panic!("no function {name}"))
}

/// A folder with three others: `inside` and `other`, which a program may use, and `outside`.
pub struct Tree {
    folder: TempDir,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    pub fn new() -> Tree {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        };
        file("outside/secret", "secret");
        file("outside/folder/file", "deep");
        file("inside/file", "contents");
        file("inside/folder/file", "nested");
        file("other/file", "other");
        let before = contents(&folder.path().join("outside"));
        Tree { folder, before }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn options(&self) -> Options {
        let mut options = Options::new();
        let opened = options.directory(&self.path("inside"), "/");
        opened
            .expect("there")
            .directory(&self.path("other"), "/other")
            .expect("there");
        options
    }

    pub fn program(&self) -> Program {
        Program::new(self.options())
    }

    /// Checks that nothing outside has changed.
    pub fn check(&self) {
        assert_eq!(contents(&self.path("outside")), self.before);
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .expect("there")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["inside", "other", "outside"]);
    }
}

/// The files below a folder, with their contents, their times and their numbers of links.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    use std::os::unix::fs::MetadataExt;

    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder that can be read") {
        let path = entry.expect("readable").path();
        let metadata = path.symlink_metadata().expect("there");
        let mut state = format!("{} {}", metadata.mtime_nsec(), metadata.nlink()).into_bytes();
        if metadata.is_dir() {
            found.extend(contents(&path));
        } else {
            state.extend(fs::read(&path).expect("readable"));
        }
        found.insert(path, state);
    }
    found
}
