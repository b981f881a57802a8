# shellcheck shell=bash
# Shared by the scripts beside it; source it, do not run it. Works in bash 3.2 (macOS) and later.
#
# Owns: where things are, whether this host executes ARM64 code itself, and how the cross toolchain
# that scripts/setup found is used.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cross_target=aarch64-unknown-linux-gnu

# WASSAY_TOOLCHAIN_DIR lets several checkouts share one toolchain; CARGO_TARGET_DIR is cargo's own.
toolchain_dir=${WASSAY_TOOLCHAIN_DIR:-$root/.toolchain}
target_dir=${CARGO_TARGET_DIR:-$root/target}
case $toolchain_dir in /*) ;; *) toolchain_dir=$PWD/$toolchain_dir ;; esac
case $target_dir in /*) ;; *) target_dir=$PWD/$target_dir ;; esac

# The program that runs the JIT where the host is not ARM64, and where it is built.
cross_target_dir=$target_dir/aarch64-jit
jit_worker=$cross_target_dir/$cross_target/release/wassay

# What scripts/setup finds and writes to .toolchain/env.
cross_rustc=""   # the compiler
cross_version="" # what it says of itself
cross_std=""     # the folder of its aarch64 library
cross_sysroot="" # given to it, where the library is not in its own
cross_linker=""  # a C compiler for aarch64 Linux
cross_runner=""  # the emulator and its arguments

say() { printf '%s\n' "${0##*/}: $*" >&2; }
die() { say "$*"; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# Does this host run ARM64 machine code itself (so that the program is its own JIT worker)?
host_is_arm64() {
    case $(uname -s)-$(uname -m) in Linux-aarch64 | Darwin-arm64) return 0 ;; *) return 1 ;; esac
}

# `cargo` from the project's root, whatever the caller's directory.
cargo_here() { (cd "$root" && cargo "$@"); }

# Reads what scripts/setup wrote; fails where there is no usable toolchain.
load_cross() {
    [ -r "$toolchain_dir/env" ] || return 1
    # shellcheck disable=SC1091
    . "$toolchain_dir/env"
}

# Why there is no ARM64 toolchain, in one line.
unavailable_reason() {
    cat "$toolchain_dir/unavailable" 2>/dev/null || echo "scripts/setup has not been run"
}

# `cargo SUBCOMMAND ...` for aarch64 Linux, in a target directory of its own: its compiler may be
# another than the host's. Statically linked, so that the emulator needs no library path.
cross_cargo() {
    local subcommand=$1 separator=$'\x1f' flags
    shift
    flags="-Ctarget-feature=+crt-static"
    [ -z "$cross_sysroot" ] || flags="--sysroot$separator$cross_sysroot$separator$flags"
    (
        export RUSTC=$cross_rustc CARGO_ENCODED_RUSTFLAGS=$flags
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$cross_linker
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$cross_runner
        unset RUSTFLAGS RUSTC_WRAPPER
        cargo_here "$subcommand" --target "$cross_target" --target-dir "$cross_target_dir" "$@"
    )
}

# The runtime's tests that run compiled code, besides those of the library; and what selects those
# of ten million steps, which take minutes in the emulator.
emulated_of_runtime=(--test backtrace --test code_memory --test examples --test exceptions
    --test faults --test misuse)
slow_in_emulator=(--skip millions --skip tail_calls_take)

# Tells the program where its JIT worker is, or why there is none: the contract at the head of
# scripts/build. A command line with blanks inside a word cannot be said in one variable: then the
# program's own search finds the worker.
export_jit_worker() {
    if host_is_arm64 || [ -n "${WASSAY_JIT_WORKER:-}${WASSAY_JIT_UNAVAILABLE:-}" ]; then
        return 0
    elif load_cross; then
        case $target_dir in
            *[[:space:]]*) ;;
            *) export WASSAY_JIT_WORKER="$cross_runner $jit_worker" ;;
        esac
    else
        WASSAY_JIT_UNAVAILABLE=$(unavailable_reason)
        export WASSAY_JIT_UNAVAILABLE
    fi
}
