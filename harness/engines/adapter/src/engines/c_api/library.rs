//! A shared library with the standard C API, as safe types: the only `unsafe` code of the adapter.
//!
//! The functions are those of `wasm.h` (WebAssembly/wasm-c-api). Objects that the API gives to its
//! caller are deleted when they are dropped.
//!
//! Invariant: modules, instances and externals of a script are used with that script only, and are
//! dropped before it: the adapter has one script at a time, and its `State` declares the script
//! last.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null_mut, slice_from_raw_parts};
use std::rc::Rc;

use crate::engine::Unavailable;
use crate::message::Value;

type Object = *mut c_void;

/// `wasm_byte_vec_t`, and every other vector of the API.
#[repr(C)]
struct Vector<T> {
    size: usize,
    data: *mut T,
}

impl<T> Vector<T> {
    const EMPTY: Vector<T> = Vector {
        size: 0,
        data: null_mut(),
    };

    /// A vector of the elements of a slice, which the API only reads.
    fn of(slice: &[T]) -> Vector<T> {
        Vector {
            size: slice.len(),
            data: slice.as_ptr().cast_mut(),
        }
    }
}

/// The kinds of references, as `wasm_valkind_t` numbers them; the last two are those of our own
/// library's `wassay.h`.
const EXTERN: u8 = 128;
const FUNC: u8 = 129;
const ANY: u8 = 130;
const EXN: u8 = 131;

/// `wasm_val_t`: the kind, padding, and eight bytes of which a number takes the first. Those of a
/// reference are a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
struct Val {
    kind: u8,
    padding: [u8; 7],
    bits: u64,
}

impl Val {
    /// The pointer in a value that is a reference.
    fn object(self) -> Object {
        std::ptr::with_exposed_provenance_mut(self.bits as usize)
    }

    const ZERO: Val = Val {
        kind: 0,
        padding: [0; 7],
        bits: 0,
    };

    /// The value as the API has it; none for a value that is not a number or null.
    fn from_plain(value: &Value) -> Option<Val> {
        let (kind, bits) = match value {
            Value::Null(heap_type) if heap_type == "func" => (FUNC, 0),
            Value::Null(_) => (EXTERN, 0),
            Value::I32(value) => (0, u64::from(*value)),
            Value::I64(value) => (1, *value),
            Value::F32(bits) => (2, u64::from(*bits)),
            Value::F64(bits) => (3, *bits),
            _ => return None,
        };
        Some(Val {
            kind,
            bits,
            ..Val::ZERO
        })
    }

    fn plain(self) -> Option<Value> {
        let low = self.bits as u32;
        Some(match self.kind {
            EXTERN if self.bits == 0 => Value::null("extern"),
            FUNC if self.bits == 0 => Value::null("func"),
            ANY if self.bits == 0 => Value::null("any"),
            EXN if self.bits == 0 => Value::null("exn"),
            FUNC => Value::Func,
            ANY => Value::Any,
            EXN => Value::Exn,
            0 => Value::I32(low),
            1 => Value::I64(self.bits),
            2 => Value::F32(low),
            3 => Value::F64(self.bits),
            _ => return None,
        })
    }
}

/// The functions of the API, each a field of the name that it has in the library.
macro_rules! functions {
    ($($name:ident($($parameter:ty),*) $(-> $result:ty)?;)*) => {
        #[allow(non_snake_case, reason = "the names are those of the library")]
        struct Functions {
            $($name: unsafe extern "C" fn($($parameter),*) $(-> $result)?,)*
        }

        /// The functions of a library that is linked into this program.
        #[cfg(feature = "wabt")]
        mod linked {
            use super::{Object, Val, Vector};

            unsafe extern "C" {
                $(pub fn $name($(_: $parameter),*) $(-> $result)?;)*
                pub fn wabt_version() -> *const std::ffi::c_char;
            }
        }

        impl Functions {
            #[cfg(feature = "wabt")]
            fn linked() -> Functions {
                Functions { $($name: linked::$name,)* }
            }

            fn find(library: &libloading::Library) -> Result<Functions, libloading::Error> {
                // SAFETY: each function has the signature that `wasm.h` declares.
                unsafe {
                    Ok(Functions {
                        $($name: *library
                            .get(concat!(stringify!($name), "\0").as_bytes())?,)*
                    })
                }
            }
        }
    };
}

functions! {
    wasm_config_new() -> Object;
    wasm_engine_new_with_config(Object) -> Object;
    wasm_store_new(Object) -> Object;
    wasm_store_delete(Object);
    wasm_module_new(Object, *const Vector<u8>) -> Object;
    wasm_module_delete(Object);
    wasm_instance_new(Object, Object, *const Vector<Object>, *mut Object) -> Object;
    wasm_instance_delete(Object);
    wasm_instance_exports(Object, *mut Vector<Object>);
    wasm_extern_vec_delete(*mut Vector<Object>);
    wasm_extern_as_func(Object) -> Object;
    wasm_extern_as_global(Object) -> Object;
    wasm_func_call(Object, *const Vector<Val>, *mut Vector<Val>) -> Object;
    wasm_global_get(Object, *mut Val);
    wasm_foreign_new(Object) -> Object;
    wasm_foreign_as_ref(Object) -> Object;
    wasm_ref_set_host_info(Object, Object);
    wasm_ref_get_host_info(Object) -> Object;
    wasm_ref_delete(Object);
    wasm_trap_message(Object, *mut Vector<u8>);
    wasm_trap_delete(Object);
    wasm_byte_vec_delete(*mut Vector<u8>);
}

/// An engine of a library. It lives as long as the adapter.
pub struct Library {
    functions: Rc<Functions>,
    engine: Object,
    version: String,
    /// Kept loaded.
    _library: Option<libloading::Library>,
}

impl Library {
    /// Loads a library and makes an engine with options: functions that take the configuration and
    /// a byte.
    ///
    /// # Errors
    /// If the library or one of its functions is missing.
    pub fn open(path: &str, options: &[(&str, u8)]) -> Result<Library, Unavailable> {
        // SAFETY: the user names an engine's library; what it does when it is loaded is its own.
        let library = unsafe { libloading::Library::new(path)? };
        let functions = Functions::find(&library)?;
        // SAFETY: the function takes nothing and gives a configuration.
        let config = unsafe { (functions.wasm_config_new)() };
        for (function, number) in options {
            let name = format!("{function}\0");
            // SAFETY: the user says that the function takes a configuration and a byte.
            unsafe {
                let set = library.get::<unsafe extern "C" fn(Object, u8)>(name.as_bytes());
                set?(config, *number);
            }
        }
        let version = version(&library);
        Library::new(functions, config, version, Some(library))
    }

    /// The engine of the library that is linked into this program.
    ///
    /// # Errors
    /// If it gives no engine.
    #[cfg(feature = "wabt")]
    pub fn linked() -> Result<Library, Unavailable> {
        let functions = Functions::linked();
        // SAFETY: the functions take nothing, and give a configuration and a string that stays.
        let (config, version) = unsafe {
            (
                (functions.wasm_config_new)(),
                CStr::from_ptr(linked::wabt_version()),
            )
        };
        Library::new(
            functions,
            config,
            version.to_string_lossy().into_owned(),
            None,
        )
    }

    fn new(
        functions: Functions,
        config: Object,
        version: String,
        library: Option<libloading::Library>,
    ) -> Result<Library, Unavailable> {
        // SAFETY: the configuration is new, and given away here.
        let engine = unsafe { (functions.wasm_engine_new_with_config)(config) };
        if engine.is_null() {
            return Err("wasm_engine_new_with_config gives no engine".into());
        }
        let functions = Rc::new(functions);
        Ok(Library {
            functions,
            engine,
            version,
            _library: library,
        })
    }

    /// The version of the library, if it tells one.
    pub fn version(&self) -> String {
        self.version.clone()
    }

    /// A store for a script.
    pub fn script(&self) -> Option<Script> {
        // SAFETY: the engine lives as long as the adapter.
        let store = unsafe { (self.functions.wasm_store_new)(self.engine) };
        let functions = Rc::clone(&self.functions);
        (!store.is_null()).then(|| Script { functions, store })
    }
}

/// Functions that give the version of a library as a string: `wasm.h` has none.
const VERSIONS: [&str; 2] = ["wasmer_version\0", "wassay_version\0"];

/// The version of a library by one of [`VERSIONS`], or else `unknown`.
fn version(library: &libloading::Library) -> String {
    let found = VERSIONS.iter().find_map(|name| {
        // SAFETY: functions of these names give a string that stays.
        unsafe {
            let function = library.get::<unsafe extern "C" fn() -> *const c_char>(name.as_bytes());
            Some(
                CStr::from_ptr(function.ok()?())
                    .to_string_lossy()
                    .into_owned(),
            )
        }
    });
    found.unwrap_or("unknown".to_string())
}

/// A store.
pub struct Script {
    functions: Rc<Functions>,
    store: Object,
}

/// A module of a store.
pub struct Module {
    functions: Rc<Functions>,
    module: Object,
}

/// An instance of a store, with its exports.
pub struct Instance {
    functions: Rc<Functions>,
    instance: Object,
    exports: Vector<Object>,
}

/// An export of an instance, which lives as long as the instance.
#[derive(Clone, Copy)]
pub struct Extern(Object);

/// The way in which an instantiation fails.
pub enum Failure {
    /// Without a trap.
    Silent,
    /// With a trap of this message.
    Trap(String),
}

impl Script {
    /// A module, if the engine accepts its bytes.
    pub fn module(&self, bytes: &[u8]) -> Option<Module> {
        let bytes = Vector::of(bytes);
        // SAFETY: the API only reads the bytes, during the call.
        let module = unsafe { (self.functions.wasm_module_new)(self.store, &raw const bytes) };
        let functions = Rc::clone(&self.functions);
        (!module.is_null()).then(|| Module { functions, module })
    }

    /// An instance with imports in the order of the module.
    ///
    /// # Errors
    /// If there is none.
    pub fn instantiate(&self, module: &Module, imports: &[Extern]) -> Result<Instance, Failure> {
        let imports: Vec<Object> = imports.iter().map(|it| it.0).collect();
        let imports = Vector::of(&imports);
        let mut trap = null_mut();
        // SAFETY: module and imports are of this store; the API only reads the vector.
        let instance = unsafe {
            (self.functions.wasm_instance_new)(
                self.store,
                module.module,
                &raw const imports,
                &raw mut trap,
            )
        };
        if !trap.is_null() {
            return Err(Failure::Trap(self.message(trap)));
        }
        if instance.is_null() {
            return Err(Failure::Silent);
        }
        let mut exports = Vector::EMPTY;
        // SAFETY: the instance is new; the vector is the caller's from now on.
        unsafe { (self.functions.wasm_instance_exports)(instance, &raw mut exports) };
        Ok(Instance {
            functions: Rc::clone(&self.functions),
            instance,
            exports,
        })
    }

    /// Calls a function of types that cross: its results or the message of its trap;
    /// nothing if the external is not a function.
    pub fn call(
        &self,
        func: Extern,
        args: &[Value],
        results: usize,
    ) -> Option<Result<Vec<Value>, String>> {
        let args: Vec<Val> = args
            .iter()
            .map(|arg| self.val(arg))
            .collect::<Option<_>>()?;
        let mut given = vec![Val::ZERO; results];
        // SAFETY: the external is alive, arguments are as the function's type says, and the vector
        // of results has room for all.
        let trap = unsafe {
            let func = (self.functions.wasm_extern_as_func)(func.0);
            if func.is_null() {
                return None;
            }
            let mut results = Vector {
                size: results,
                data: given.as_mut_ptr(),
            };
            let args = Vector::of(&args);
            (self.functions.wasm_func_call)(func, &raw const args, &raw mut results)
        };
        for arg in args {
            self.release(arg);
        }
        if !trap.is_null() {
            return Some(Err(self.message(trap)));
        }
        given
            .into_iter()
            .map(|val| self.value(val))
            .collect::<Option<Vec<Value>>>()
            .map(Ok)
    }

    /// The value of a global of a type that crosses; nothing if the external is not one.
    pub fn global(&self, global: Extern) -> Option<Value> {
        let mut value = Val::ZERO;
        // SAFETY: the external is alive.
        unsafe {
            let global = (self.functions.wasm_extern_as_global)(global.0);
            if global.is_null() {
                return None;
            }
            (self.functions.wasm_global_get)(global, &raw mut value);
        }
        self.value(value)
    }

    /// The value as the API has it, to be released; a host object carries its number.
    fn val(&self, value: &Value) -> Option<Val> {
        let Value::Extern(Some(number)) = value else {
            return Val::from_plain(value);
        };
        let info = std::ptr::without_provenance_mut(*number as usize + 1);
        // SAFETY: the store is alive, and the new object is the caller's; the API keeps the pointer
        // as a number.
        let object = unsafe {
            let object = (self.functions.wasm_foreign_new)(self.store);
            let reference = (self.functions.wasm_foreign_as_ref)(object);
            (self.functions.wasm_ref_set_host_info)(reference, info);
            reference
        };
        Some(Val {
            kind: EXTERN,
            bits: object.expose_provenance() as u64,
            ..Val::ZERO
        })
    }

    /// The value that the API has given, which is released.
    fn value(&self, val: Val) -> Option<Value> {
        let value = match val.plain() {
            None if val.kind == EXTERN => {
                // SAFETY: the reference is the caller's.
                let info = unsafe { (self.functions.wasm_ref_get_host_info)(val.object()) };
                Some(Value::Extern(
                    u32::try_from(info.addr().wrapping_sub(1)).ok(),
                ))
            }
            value => value,
        };
        self.release(val);
        value
    }

    /// Deletes the reference in a value, if there is one.
    fn release(&self, val: Val) {
        if val.kind >= EXTERN && val.bits != 0 {
            // SAFETY: the reference is the caller's.
            unsafe { (self.functions.wasm_ref_delete)(val.object()) }
        }
    }

    /// The message of a trap, which is deleted.
    fn message(&self, trap: Object) -> String {
        let mut message = Vector::EMPTY;
        // SAFETY: the trap is the caller's, and so is the vector that the API fills.
        unsafe {
            (self.functions.wasm_trap_message)(trap, &raw mut message);
            let bytes = match message.data.is_null() {
                true => &[],
                false => &*slice_from_raw_parts(message.data, message.size),
            };
            let text = String::from_utf8_lossy(bytes)
                .trim_end_matches('\0')
                .to_string();
            (self.functions.wasm_byte_vec_delete)(&raw mut message);
            (self.functions.wasm_trap_delete)(trap);
            text
        }
    }
}

impl Instance {
    /// The export at an index.
    pub fn export(&self, at: usize) -> Option<Extern> {
        // SAFETY: the index is within the vector, which the API has filled.
        (at < self.exports.size).then(|| unsafe { Extern(*self.exports.data.add(at)) })
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // SAFETY: all that is in the store has been dropped before.
        unsafe { (self.functions.wasm_store_delete)(self.store) }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: the module is the caller's.
        unsafe { (self.functions.wasm_module_delete)(self.module) }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: instance and exports are the caller's.
        unsafe {
            (self.functions.wasm_extern_vec_delete)(&raw mut self.exports);
            (self.functions.wasm_instance_delete)(self.instance);
        }
    }
}
