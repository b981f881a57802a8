//! WAMR's fast interpreter by its C library, as the crate wamrx-sys builds it. Wamrx, the safe
//! crate over it, keeps the exception of a trap, after which each call of the instance fails.
//!
//! Invariant: what an instance points to is unloaded after it.

use std::ffi::{CStr, CString, c_char, c_void};

use wamrx_sys as sys;
use wasmparser::ValType;

use super::alone::{Alone, Library, PRINTS, SPECTEST};
use crate::engine::Started;
use crate::kinds::is_number;
use crate::message::{Ending, Value};
use crate::phrases::ended;

/// The bytes of the stack of interpreted code.
const STACK_BYTES: u32 = 1 << 20;
/// The room for a message of the library.
const MESSAGE_BYTES: usize = 256;

struct Wamr;

/// Starts WAMR, of which a process has one.
///
/// # Errors
/// If it cannot be set up.
pub fn start() -> Started {
    let mut options = sys::RuntimeInitArgs {
        mem_alloc_type: sys::Alloc_With_System_Allocator,
        ..Default::default()
    };
    let spectest = CString::new(SPECTEST)?;
    let prints = PRINTS.iter().filter_map(|(name, _)| {
        Some(sys::NativeSymbol {
            symbol: CString::new(*name).ok()?.into_raw(),
            func_ptr: print as *mut c_void,
            ..Default::default()
        })
    });
    // The library keeps names and functions.
    let prints: &mut [sys::NativeSymbol] = Vec::leak(prints.collect());
    // SAFETY: this is the only thread, and what the library keeps stays.
    let is_ready = unsafe {
        sys::wasm_runtime_full_init(&raw mut options)
            && sys::wasm_runtime_init_thread_env()
            && sys::wasm_runtime_register_natives_raw(
                spectest.into_raw(),
                prints.as_mut_ptr(),
                PRINTS.len() as u32,
            )
    };
    if !is_ready {
        return Err("WAMR does not start".into());
    }
    // Warnings would go to stdout.
    // SAFETY: the library is set up.
    unsafe { sys::wasm_runtime_set_log_level(sys::WASM_LOG_LEVEL_FATAL) };
    Ok(Box::new(Alone::new(Wamr)))
}

/// A function of `spectest`: it does nothing.
extern "C" fn print(_: sys::wasm_exec_env_t, _: *mut u64) {}

/// A module with its bytes, which the library changes and points into.
pub struct Module {
    module: sys::wasm_module_t,
    _bytes: Vec<u8>,
}

/// An instance and its environment of execution.
pub struct Instance {
    instance: sys::wasm_module_inst_t,
    environment: sys::wasm_exec_env_t,
    _module: Module,
}

impl Module {
    /// A module, or the message of the library.
    fn new(bytes: &[u8]) -> Result<Module, String> {
        let mut bytes = bytes.to_vec();
        let (start, count) = (bytes.as_mut_ptr(), bytes.len() as u32);
        // SAFETY: the bytes stay where they are as long as the module.
        let (module, message) = with_message(|at, count_max| unsafe {
            sys::wasm_runtime_load(start, count, at, count_max)
        });
        let made = Module {
            module,
            _bytes: bytes,
        };
        if module.is_null() {
            return Err(message);
        }
        Ok(made)
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if !self.module.is_null() {
            // SAFETY: its instance is gone.
            unsafe { sys::wasm_runtime_unload(self.module) }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: both are the adapter's, and nothing runs.
        unsafe {
            sys::wasm_runtime_destroy_exec_env(self.environment);
            sys::wasm_runtime_deinstantiate(self.instance);
        }
    }
}

impl Library for Wamr {
    type Instance = Instance;

    fn identity(&self) -> (String, String) {
        let (mut major, mut minor, mut patch) = (0, 0, 0);
        // SAFETY: the function only writes the numbers.
        unsafe {
            sys::wasm_runtime_get_version(&raw mut major, &raw mut minor, &raw mut patch);
        }
        let version = format!("{major}.{minor}.{patch} (fast interpreter, wamrx-sys 0.3.0)");
        ("WAMR".to_string(), version)
    }

    fn check(&self, bytes: &[u8]) -> Result<(), Ending> {
        match Module::new(bytes) {
            Ok(_) => Ok(()),
            // Imports are looked for when a module is loaded.
            Err(message) if message.contains("unknown import") => Ok(()),
            Err(message) => Err(Ending::rejected(message)),
        }
    }

    fn instantiate(&self, bytes: &[u8]) -> Result<Instance, Ending> {
        let module = Module::new(bytes).map_err(Ending::rejected)?;
        // SAFETY: the module lives as long as the instance.
        let (instance, message) = with_message(|at, count_max| unsafe {
            sys::wasm_runtime_instantiate(module.module, STACK_BYTES, 0, at, count_max)
        });
        if instance.is_null() {
            return Err(failed(message));
        }
        // SAFETY: the instance is alive.
        let environment = unsafe { sys::wasm_runtime_create_exec_env(instance, STACK_BYTES) };
        if environment.is_null() {
            // SAFETY: the instance is the adapter's.
            unsafe { sys::wasm_runtime_deinstantiate(instance) };
            return Err(Ending::limit("no environment of execution"));
        }
        Ok(Instance {
            instance,
            environment,
            _module: module,
        })
    }

    fn carries(&self, ty: ValType) -> bool {
        is_number(ty) || ty == ValType::V128
    }

    fn call(
        &self,
        instance: &mut Instance,
        export: &str,
        args: &[Value],
        results: &[ValType],
    ) -> Result<Vec<Value>, Ending> {
        let missing = || Ending::internal(format!("{export} is not found"));
        let name = CString::new(export).map_err(|_| missing())?;
        // SAFETY: the instance is alive.
        let func = unsafe { sys::wasm_runtime_lookup_function(instance.instance, name.as_ptr()) };
        if func.is_null() {
            return Err(missing());
        }
        let mut cells: Vec<u32> = args.iter().flat_map(cells).collect();
        let count = cells.len() as u32;
        // Results take the place of arguments.
        cells.resize(cells.len().max(4 * results.len()), 0);
        // SAFETY: arguments are of the function's types, and there is room for its results.
        unsafe {
            let (at, environment) = (cells.as_mut_ptr(), instance.environment);
            if !sys::wasm_runtime_call_wasm(environment, func, count, at) {
                let message = text(sys::wasm_runtime_get_exception(instance.instance));
                sys::wasm_runtime_clear_exception(instance.instance);
                return Err(failed(message));
            }
        }
        let mut cells = cells.into_iter();
        let mut next = || cells.next().unwrap_or_default();
        Ok(results.iter().map(|ty| value(*ty, &mut next)).collect())
    }

    fn global(&self, instance: &Instance, export: &str, ty: ValType) -> Result<Value, Ending> {
        let missing = || Ending::internal(format!("{export} is not found"));
        let name = CString::new(export).map_err(|_| missing())?;
        let mut global = sys::wasm_global_inst_t::default();
        // SAFETY: the instance is alive.
        let is_found = unsafe {
            sys::wasm_runtime_get_export_global_inst(
                instance.instance,
                name.as_ptr(),
                &raw mut global,
            )
        };
        if !is_found {
            return Err(missing());
        }
        let at = global.global_data.cast::<u32>();
        let mut index = 0;
        Ok(value(ty, &mut || {
            // SAFETY: the cells are those of the global's type.
            let cell = unsafe { at.add(index).read_unaligned() };
            index += 1;
            cell
        }))
    }
}

/// The result of a function of the library that writes a message if it fails.
fn with_message<T>(run: impl FnOnce(*mut c_char, u32) -> T) -> (T, String) {
    let mut message = [0; MESSAGE_BYTES];
    let result = run(message.as_mut_ptr(), MESSAGE_BYTES as u32);
    // SAFETY: the library ends its message by a zero, and there is one without it.
    (result, unsafe { text(message.as_ptr()) })
}

/// A string of the library.
///
/// # Safety
/// The pointer is null, or to a string.
unsafe fn text(at: *const c_char) -> String {
    match at.is_null() {
        true => "no message".to_string(),
        // SAFETY: as the caller says.
        false => unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned(),
    }
}

/// The ending that a message stands for.
fn failed(message: String) -> Ending {
    let has = |part| message.contains(part);
    if has("unknown import") || has("unlinked import") {
        return Ending::unlinkable(message);
    }
    ended(message)
}

/// The cells of a value, the low one first; none of a reference.
fn cells(value: &Value) -> Vec<u32> {
    let pair = |bits: u64| vec![bits as u32, (bits >> 32) as u32];
    match value {
        Value::I32(bits) | Value::F32(bits) => vec![*bits],
        Value::I64(bits) | Value::F64(bits) => pair(*bits),
        Value::V128(bytes) => {
            let bits = u128::from_le_bytes(*bytes);
            [pair(bits as u64), pair((bits >> 64) as u64)].concat()
        }
        _ => Vec::new(),
    }
}

/// The value of a type in the next cells.
fn value(ty: ValType, next: &mut dyn FnMut() -> u32) -> Value {
    let mut wide = || u64::from(next()) | u64::from(next()) << 32;
    match ty {
        ValType::I64 => Value::I64(wide()),
        ValType::F64 => Value::F64(wide()),
        ValType::V128 => {
            let bits = u128::from(wide()) | u128::from(wide()) << 64;
            Value::V128(bits.to_le_bytes())
        }
        ValType::F32 => Value::F32(next()),
        ValType::I32 | ValType::Ref(_) => Value::I32(next()),
    }
}
