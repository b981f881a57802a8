//! Sequences of calls that follow from a seed: none panics, none leaves the directories that the
//! program has, and each number of a function's result is an error code.

mod support;

use std::os::unix::fs::symlink;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use support::{Program, Tree};
use wassay_wasi::{CoreType, Ending, FUNCTIONS, Function};

const SEQUENCES: u64 = 150;
const CALLS: usize = 150;

/// Paths, and pieces of them: names that are there, that are not, that lead out.
const PATHS: &[&str] = &[
    "file",
    "folder",
    "folder/file",
    "new",
    "folder/new",
    ".",
    "..",
    "../outside",
    "../outside/secret",
    "/",
    "/etc/passwd",
    "out",
    "out/secret",
    "out/folder/file",
    "out/new",
    "../new",
    "../outside/new",
    "up/outside/new",
    "up/outside/secret",
    "link",
    "loop",
    "folder/",
    "file/",
    "folder/../..",
    "folder/../../outside/secret",
    "",
    "new/./../new",
    "/proc/self/root",
];

/// Numbers at the ends of types, of the memory and of buffers.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    16,
    24,
    48,
    64,
    1024,
    1025,
    4096,
    65_528,
    65_535,
    65_536,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// The sequences that a failure names by their seeds.
#[test]
fn sequences_of_calls_stay_inside_and_do_not_panic() {
    let mut succeeded = 0;
    for seed in 0..SEQUENCES {
        let tree = Tree::new();
        symlink("../outside", tree.path("inside/out")).expect("made");
        symlink("..", tree.path("inside/up")).expect("made");
        symlink("file", tree.path("inside/link")).expect("made");
        symlink("loop", tree.path("inside/loop")).expect("made");
        let ran = std::panic::catch_unwind(|| sequence(&tree, seed));
        succeeded += ran.unwrap_or_else(|_| panic!("the sequence of seed {seed}"));
        tree.check();
    }
    let calls = SEQUENCES as usize * CALLS;
    assert!(
        succeeded > calls / 20,
        "{succeeded} of {calls} calls succeed: the sequences reach too little"
    );
}

/// The number of calls of a sequence that succeed.
fn sequence(tree: &Tree, seed: u64) -> usize {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let mut options = tree.options();
    options.stdin(*b"input").seed(seed).fixed_time(1, 1);
    options
        .arg("program")
        .env("NAME", "value")
        .descriptors_max(24);
    let _outputs = (options.capture_stdout(), options.capture_stderr());
    let mut program = Program::new(options);
    let mut succeeded = 0;
    for _ in 0..CALLS {
        let function = &FUNCTIONS[random.random_range(0..FUNCTIONS.len())];
        let args = arguments(&mut program, function, &mut random);
        match program.try_call(function.name, &args) {
            Ok(errno) => succeeded += usize::from(errno.number() == 0),
            Err(Ending::Exit(_) | Ending::Raised(_)) => {}
            Err(Ending::Deadline) => panic!("there is no deadline"),
        }
    }
    succeeded
}

/// The arguments of a call: as a rule a path where one belongs, else numbers.
fn arguments(program: &mut Program, function: &Function, random: &mut ChaCha12Rng) -> Vec<u64> {
    let mut args = Vec::new();
    for ty in function.params {
        args.push(number(program, *ty, random));
    }
    if function.name == "fd_allocate" {
        // The disk is not to be filled.
        let huge = [1 << 62, i64::MAX as u64, u64::MAX];
        args[2] = match random.random_bool(0.5) {
            true => random.random_range(0..4096),
            false => huge[random.random_range(0..huge.len())],
        };
        args[1] = args[1].min(4096);
    }
    let pairs: &[usize] = match function.name {
        "path_create_directory"
        | "path_remove_directory"
        | "path_unlink_file"
        | "path_readlink" => &[1],
        "path_filestat_get" | "path_filestat_set_times" | "path_open" => &[2],
        "path_link" => &[2, 5],
        "path_rename" => &[1, 4],
        "path_symlink" => &[0, 3],
        _others => &[],
    };
    for &at in pairs {
        if random.random_bool(0.9) {
            let path = PATHS[random.random_range(0..PATHS.len())];
            args[at..at + 2].copy_from_slice(&program.put(path.as_bytes()));
        }
    }
    let fds = ["fd_", "path_", "sock_"];
    if fds.iter().any(|it| function.name.starts_with(it)) && random.random_bool(0.9) {
        let at = usize::from(function.name == "path_symlink") * 2;
        args[at] = random.random_range(0..12);
    }
    if function.name == "path_open" && random.random_bool(0.8) {
        args[1] = random.random_range(0..2);
        args[4] = random.random_range(0..16);
        args[7] = random.random_range(0..32);
    }
    args
}

fn number(program: &mut Program, ty: CoreType, random: &mut ChaCha12Rng) -> u64 {
    let number = match random.random_range(0..8) {
        0..3 => NUMBERS[random.random_range(0..NUMBERS.len())],
        3..5 => random.random_range(0..8),
        5..7 => {
            // The address of a buffer, or of a list of them.
            let buffers: [u32; 4] = [
                random.random_range(0..65_600),
                random.random_range(0..2000),
                random.random_range(0..65_600),
                random.random_range(0..64),
            ];
            let bytes: Vec<u8> = buffers.iter().flat_map(|it| it.to_le_bytes()).collect();
            program.put(&bytes)[0]
        }
        _ => random.random(),
    };
    match ty {
        CoreType::I32 => number & 0xffff_ffff,
        CoreType::I64 => number,
    }
}
