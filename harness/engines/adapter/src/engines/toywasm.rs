//! Toywasm by its C library, as the crate toywasmx-sys builds it. Toywasmx, the safe crate over it,
//! carries numbers only and links no instances.
//!
//! All of a script is in one memory context and is destroyed at once, as the library demands of
//! instances that are linked with each other. An instance whose initialisation ends in a trap stays
//! alive, since its functions may be in a table.
//!
//! Invariant: a pointer of a script is valid until the script is dropped.

use std::collections::HashMap;
use std::ffi::CStr;
use std::ptr::{copy_nonoverlapping, null_mut};

use toywasmx_sys as sys;

use crate::engine::{Engine, Started, unknown, wrong_arguments};
use crate::message::{Ending, Value};

/// The frames and the cells of operands up to which calls may nest.
const FRAMES_MAX: u32 = 10_000;
const CELLS_MAX: u32 = 1 << 22;

/// The `errno` of a lack of memory.
const ENOMEM: i32 = 12;

struct Toywasm {
    script: Script,
}

/// Starts toywasm.
///
/// # Errors
/// None.
pub fn start() -> Started {
    let script = Script::new();
    Ok(Box::new(Toywasm { script }))
}

/// A script with all that it has made.
struct Script {
    modules: HashMap<u32, Module>,
    instances: HashMap<u32, *mut sys::instance>,
    /// All instances, in the order in which they were made.
    made: Vec<*mut sys::instance>,
    /// The registered names, the newest last.
    offers: Vec<Offer>,
    /// The memory context: boxed, since all else points to it.
    context: Box<sys::mem_context>,
}

/// A module, which points into its bytes.
struct Module {
    module: *mut sys::module,
    _bytes: Vec<u8>,
}

/// The exports of an instance under a name.
struct Offer {
    name: Box<str>,
    /// The name for the library, which points into `name`.
    _name: Box<sys::name>,
    object: *mut sys::import_object,
}

impl Script {
    fn new() -> Script {
        // SAFETY: all zero is a value of the structure, which the library then sets up.
        let mut context: Box<sys::mem_context> = Box::new(unsafe { std::mem::zeroed() });
        // SAFETY: the context stays where it is.
        unsafe { sys::mem_context_init(&raw mut *context) };
        Script {
            modules: HashMap::new(),
            instances: HashMap::new(),
            made: Vec::new(),
            offers: Vec::new(),
            context,
        }
    }

    fn instance(&self, instance: u32) -> Result<*mut sys::instance, Ending> {
        let found = self.instances.get(&instance).copied();
        found.ok_or_else(|| unknown("instance", instance))
    }

    /// The index of an export of a kind.
    fn export(&self, instance: *mut sys::instance, export: &str, kind: u32) -> Option<u32> {
        let (name, mut index) = (name(export), 0);
        // SAFETY: the instance is alive, and so is its module.
        let found = unsafe {
            sys::module_find_export((*instance).module, &raw const name, kind, &raw mut index)
        };
        (found == 0).then_some(index)
    }

    /// Links the offers into a list, the newest first, and returns its head.
    fn imports(&self) -> *mut sys::import_object {
        let mut head = null_mut();
        for offer in &self.offers {
            // SAFETY: the object is alive, and only this list goes through it.
            unsafe { (*offer.object).next = head };
            head = offer.object;
        }
        head
    }

    /// Runs code of an instance in a context of execution of its own.
    fn execute<T>(
        &mut self,
        instance: *mut sys::instance,
        run: impl FnOnce(*mut sys::exec_context) -> i32,
        done: impl FnOnce(*mut sys::exec_context) -> T,
    ) -> Result<T, Ending> {
        // SAFETY: all zero is a value of the structure, which the library then sets up; the
        // instance is alive; the report is that of the context.
        unsafe {
            let mut context: Box<sys::exec_context> = Box::new(std::mem::zeroed());
            let at = &raw mut *context;
            sys::exec_context_init(at, instance, &raw mut *self.context);
            (*at).options.max_frames = FRAMES_MAX;
            (*at).options.max_stackcells = CELLS_MAX;
            let ended = sys::instance_execute_handle_restart(at, run(at));
            let result = match ended {
                0 => Ok(done(at)),
                ended if ended == sys::ETOYWASMTRAP => {
                    Err(trapped((*at).trap.trapid as u32, message((*at).report)))
                }
                errno => Err(Ending::limit(format!("execution ended with error {errno}"))),
            };
            sys::exec_context_clear(at);
            result
        }
    }

    fn forget(&mut self, name: &str) {
        let context = &raw mut *self.context;
        self.offers.retain(|offer| {
            let is_kept = &*offer.name != name;
            if !is_kept {
                // SAFETY: nothing points to the object but the list of offers.
                unsafe { sys::import_object_destroy(context, offer.object) };
            }
            is_kept
        });
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let context = &raw mut *self.context;
        // SAFETY: all of it was made in this context, and goes in the order in which it points to
        // other parts.
        unsafe {
            for offer in &self.offers {
                sys::import_object_destroy(context, offer.object);
            }
            for instance in &self.made {
                sys::instance_destroy(*instance);
            }
            for module in self.modules.values() {
                sys::module_destroy(context, module.module);
            }
            sys::mem_context_clear(context);
        }
    }
}

impl Engine for Toywasm {
    fn identity(&self) -> (String, String) {
        let version = "of toywasmx-sys 0.2.0";
        ("toywasm".to_string(), version.to_string())
    }

    /// Only that an exnref is null or not crosses.
    fn lacks(&self) -> &'static [&'static str] {
        &["references"]
    }

    fn reset(&mut self) -> Result<(), Ending> {
        self.script = Script::new();
        Ok(())
    }

    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending> {
        let bytes = bytes.to_vec();
        let mut made = null_mut();
        let range = bytes.as_ptr_range();
        // SAFETY: all zero is a value of the structure, which the library then sets up; the bytes
        // stay where they are as long as the module.
        let (ended, message) = unsafe {
            let mut loading: sys::load_context = std::mem::zeroed();
            sys::load_context_init(&raw mut loading, &raw mut *self.script.context);
            let ended = sys::module_create(&raw mut made, range.start, range.end, &raw mut loading);
            let message = message(&raw const loading.report);
            sys::load_context_clear(&raw mut loading);
            (ended, message)
        };
        match ended {
            0 => {}
            ENOMEM => return Err(Ending::limit(message)),
            _ => return Err(Ending::rejected(message)),
        }
        let made = Module {
            module: made,
            _bytes: bytes,
        };
        self.script.modules.insert(module, made);
        Ok(())
    }

    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending> {
        let script = &mut self.script;
        let Module { module, .. } = script
            .modules
            .get(&module)
            .ok_or_else(|| unknown("module", module))?;
        let mut made = null_mut();
        // SAFETY: the module and the offered instances are alive.
        let (ended, message) = unsafe {
            let mut report: sys::report = std::mem::zeroed();
            sys::report_init(&raw mut report);
            let ended = sys::instance_create_no_init(
                &raw mut *script.context,
                *module,
                &raw mut made,
                script.imports(),
                &raw mut report,
            );
            let message = message(&raw const report);
            sys::report_clear(&raw mut report);
            (ended, message)
        };
        match ended {
            0 => script.made.push(made),
            ENOMEM => return Err(Ending::limit("no memory for the instance")),
            _ => return Err(Ending::unlinkable(message)),
        }
        // SAFETY: the context of execution is that of the new instance.
        script.execute(made, |at| unsafe { sys::instance_execute_init(at) }, |_| ())?;
        script.instances.insert(instance, made);
        Ok(())
    }

    fn register(&mut self, instance: u32, name: &str) -> Result<(), Ending> {
        let instance = self.script.instance(instance)?;
        self.script.forget(name);
        let text: Box<str> = name.into();
        let name = Box::new(self::name(&text));
        let mut object = null_mut();
        // SAFETY: the instance is alive, and the name as long as the object.
        let made = unsafe {
            let context = &raw mut *self.script.context;
            sys::import_object_create_for_exports(
                context,
                instance,
                &raw const *name,
                &raw mut object,
            )
        };
        if made != 0 {
            return Err(Ending::limit("no memory for a name"));
        }
        self.script.offers.push(Offer {
            name: text,
            _name: name,
            object,
        });
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: u32,
        export: &str,
        args: &[Value],
    ) -> Result<Vec<Value>, Ending> {
        let script = &mut self.script;
        let instance = script.instance(instance)?;
        let Some(index) = script.export(instance, export, sys::EXTERNTYPE_FUNC as u32) else {
            return Err(Ending::host_error(format!("no function {export}")));
        };
        // SAFETY: the index is that of an export of the instance's module.
        let ty = unsafe { sys::module_functype((*instance).module, index) };
        // SAFETY: the type is that of a function of a live module.
        let (params, results) = unsafe { (&raw const (*ty).parameter, &raw const (*ty).result) };
        // SAFETY: as before.
        let (takes, gives) = unsafe { (types(params), types(results)) };
        if args.len() != takes.len() {
            return Err(wrong_arguments(export));
        }
        let args = args.iter().zip(&takes).map(|(arg, ty)| given(arg, *ty));
        let args: Option<Vec<sys::val>> = args.collect();
        let args = args.ok_or_else(|| wrong_arguments(export))?;
        script.execute(
            instance,
            // SAFETY: the arguments are of the parameters' types.
            |at| unsafe {
                match sys::exec_push_vals(at, params, args.as_ptr()) {
                    0 => sys::instance_execute_func(at, index, params, results),
                    errno => errno,
                }
            },
            |at| {
                // SAFETY: all zero is a value; the function has left its results on the stack.
                let mut values: Vec<sys::val> = vec![unsafe { std::mem::zeroed() }; gives.len()];
                // SAFETY: as before.
                unsafe { sys::exec_pop_vals(at, results, values.as_mut_ptr()) };
                let values = values.iter().zip(&gives);
                values.map(|(value, ty)| returned(value, *ty)).collect()
            },
        )?
    }

    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending> {
        let instance = self.script.instance(instance)?;
        let kind = sys::EXTERNTYPE_GLOBAL as u32;
        let Some(index) = self.script.export(instance, export, kind) else {
            return Err(Ending::host_error(format!("no global {export}")));
        };
        // SAFETY: the index is that of an exported global of a live instance.
        unsafe {
            let global = *(*instance).globals.p.add(index as usize);
            let mut value: sys::val = std::mem::zeroed();
            sys::global_get(global, &raw mut value);
            returned(&value, (*(*global).type_).t as u32)
        }
    }
}

/// A name as the library takes it, which points into the text.
fn name(text: &str) -> sys::name {
    sys::name {
        nbytes: u32::try_from(text.len()).unwrap_or(u32::MAX),
        data: text.as_ptr().cast(),
    }
}

/// The value types of parameters or results, by the numbers of `enum valtype`.
///
/// # Safety
/// The pointer is to a result type of a live module.
unsafe fn types(of: *const sys::resulttype) -> Vec<u32> {
    // SAFETY: as the caller says.
    let count = unsafe { (*of).ntypes as usize };
    let at = |index| unsafe { *(*of).types.add(index) as u32 };
    (0..count).map(at).collect()
}

/// A message of a report.
///
/// # Safety
/// The report is set up.
unsafe fn message(report: *const sys::report) -> String {
    // SAFETY: as the caller says; the library gives a string that stays, or none.
    unsafe {
        let message = sys::report_getmessage(report);
        match message.is_null() {
            true => "no message".to_string(),
            false => CStr::from_ptr(message).to_string_lossy().into_owned(),
        }
    }
}

/// The types of values, as the library numbers them.
const I32: u32 = sys::TYPE_i32 as u32;
const I64: u32 = sys::TYPE_i64 as u32;
const F32: u32 = sys::TYPE_f32 as u32;
const F64: u32 = sys::TYPE_f64 as u32;
const V128: u32 = sys::TYPE_v128 as u32;
const FUNCREF: u32 = sys::TYPE_funcref as u32;
const EXTERNREF: u32 = sys::TYPE_externref as u32;

/// A value as the library takes it; none if it is not of the type. A host's number crosses as a
/// pointer that is not null.
fn given(value: &Value, ty: u32) -> Option<sys::val> {
    Some(match (value, ty) {
        (Value::I32(bits), I32) | (Value::F32(bits), F32) => raw(&bits.to_le_bytes()),
        (Value::I64(bits), I64) | (Value::F64(bits), F64) => raw(&bits.to_le_bytes()),
        (Value::V128(bytes), V128) => raw(bytes),
        (Value::Extern(Some(number)), EXTERNREF) => raw(&(u64::from(*number) + 1).to_le_bytes()),
        (Value::Null(_), FUNCREF | EXTERNREF) => raw(&[]),
        _ => return None,
    })
}

/// A value of a type.
fn returned(value: &sys::val, ty: u32) -> Result<Value, Ending> {
    let mut bytes = [0; 16];
    // SAFETY: a value has 16 bytes or more, and all of them may be read.
    unsafe { copy_nonoverlapping((&raw const *value).cast(), bytes.as_mut_ptr(), 16) };
    let wide = u128::from_le_bytes(bytes) as u64;
    Ok(match ty {
        I32 => Value::I32(wide as u32),
        F32 => Value::F32(wide as u32),
        I64 => Value::I64(wide),
        F64 => Value::F64(wide),
        V128 => Value::V128(bytes),
        FUNCREF if wide == 0 => Value::null("func"),
        FUNCREF => Value::Func,
        EXTERNREF if wide == 0 => Value::null("extern"),
        EXTERNREF => Value::Extern(u32::try_from(wide - 1).ok()),
        _ => return Err(Ending::unsupported("references to exceptions do not cross")),
    })
}

/// A value with these bytes, and zero after them.
fn raw(bytes: &[u8]) -> sys::val {
    const { assert!(size_of::<sys::val>() >= 16) };
    // SAFETY: all zero is a value, which has room for 16 bytes.
    unsafe {
        let mut value: sys::val = std::mem::zeroed();
        copy_nonoverlapping(bytes.as_ptr(), (&raw mut value).cast(), bytes.len().min(16));
        value
    }
}

/// The ending for a trap, by the numbers of `enum trapid`.
fn trapped(id: u32, message: String) -> Ending {
    Ending::trap(match id {
        1 => "integer divide by zero",
        2 => "integer overflow",
        3 | 13 => "out of bounds memory access",
        4 => "unreachable",
        5 | 6 => return Ending::exhaustion(message),
        7 => "undefined element",
        8 => "uninitialized element",
        9 => "indirect call type mismatch",
        10 => "invalid conversion to integer",
        14 | 15 => "out of bounds table access",
        16 => "expected shared memory",
        17 => "unaligned atomic",
        20 => return Ending::exception(message),
        21 => "null exception reference",
        _ => return Ending::internal(message),
    })
}
