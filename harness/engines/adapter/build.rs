//! Links wabt's interpreter, if it is asked for: Debian's static library and the C API over it.
//!
//! That library is not position-independent, and so the program must not be either: see
//! `scripts/engines`.

fn main() {
    println!("cargo:rerun-if-changed=src/engines/c_api/wabt.cc");
    #[cfg(feature = "wabt")]
    {
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .std("c++17")
            .pic(false)
            .file("src/engines/c_api/wabt.cc");
        build.compile("wabt-c");
        println!("cargo:rustc-link-arg=-lwabt");
        println!("cargo:rustc-link-arg=-lstdc++");
    }
}
