//! Configurations, engines and stores as C makes them.

use std::ffi::{CStr, c_char};

use wassay_runtime::{Config, Engine, Error, Thresholds, Tier, WasmFeatures};

use crate::failure::noted;
use crate::object::StoreRef;

/// The tiers by their numbers in `wassay.h`; the last is the JIT for what is hot.
const TIERS: [(&str, Option<Tier>); 4] = [
    ("stack", Some(Tier::Stack)),
    ("register", Some(Tier::Register)),
    ("jit", Some(Tier::Jit)),
    ("tiered", None),
];

/// The environment variable with the name of a tier, for programs that know `wasm.h` only.
const TIER_VARIABLE: &str = "WASSAY_TIER";

fn set_tier(config: &mut Config, tier: Option<Tier>) {
    match tier {
        Some(tier) => config.tier(tier),
        None => config.tiers(Thresholds::new()),
    };
}

/// The usual configuration, in the tier that the environment names.
fn from_environment() -> Result<Config, Error> {
    let mut config = Config::new();
    if let Some(name) = std::env::var_os(TIER_VARIABLE) {
        let row = TIERS.iter().find(|row| name == row.0);
        let unknown = || {
            let names = TIERS.map(|row| row.0).join(", ");
            let name = name.to_string_lossy();
            Error::msg(format!(
                "{TIER_VARIABLE} is `{name}`, and not one of {names}"
            ))
        };
        set_tier(&mut config, row.ok_or_else(unknown)?.1);
    }
    Ok(config)
}

#[unsafe(no_mangle)]
pub extern "C" fn wassay_version() -> *const c_char {
    const VERSION: &CStr = version();
    VERSION.as_ptr()
}

/// The version of this crate, with a zero at its end.
const fn version() -> &'static CStr {
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no zero in it"),
    }
}

// --- configurations ------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_config_new() -> Option<Box<Config>> {
    noted(from_environment()).map(Box::new)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_config_delete(config: Option<Box<Config>>) {
    drop(config);
}

#[unsafe(no_mangle)]
pub extern "C" fn wassay_config_set_tier(config: Option<&mut Config>, tier: u8) {
    if let (Some(config), Some(row)) = (config, TIERS.get(usize::from(tier))) {
        set_tier(config, row.1);
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wassay_config_set_all_features(config: Option<&mut Config>, all: bool) {
    if let Some(config) = config {
        config.features(match all {
            true => Config::EXECUTED_FEATURES,
            false => WasmFeatures::WASM3,
        });
    }
}

// --- engines -------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_engine_new() -> Option<Box<Engine>> {
    wasm_engine_new_with_config(wasm_config_new())
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_engine_new_with_config(config: Option<Box<Config>>) -> Option<Box<Engine>> {
    noted(Engine::new(&*config?)).map(Box::new)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_engine_delete(engine: Option<Box<Engine>>) {
    drop(engine);
}

// --- stores --------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_store_new(engine: Option<&Engine>) -> Option<Box<StoreRef>> {
    engine.map(|engine| Box::new(StoreRef::new(engine)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_store_delete(store: Option<Box<StoreRef>>) {
    drop(store);
}
