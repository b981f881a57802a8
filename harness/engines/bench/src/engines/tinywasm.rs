//! tinywasm.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tinywasm::types::{ExportType, ImportType, WasmType, WasmValue};
use tinywasm::{Error, FuncContext, HostFunction, Imports, Memory, ModuleInstance, Store};
use wassay_wasi::{Ending, FUNCTIONS, Function, GuestMemory, MODULE, Wasi};

use crate::Done;
use crate::program;
use crate::sample::{Clock, Sample};

/// The memory of a program.
struct Guest<'a> {
    memory: Memory,
    store: &'a mut Store,
}

impl GuestMemory for Guest<'_> {
    fn size(&self) -> u64 {
        self.memory.len(self.store).unwrap_or(0) as u64
    }

    fn read(&self, address: u32, bytes: &mut [u8]) -> bool {
        let read = self.memory.read_exact(self.store, address as usize, bytes);
        read.is_ok()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        let written = self
            .memory
            .copy_from_slice(self.store, address as usize, bytes);
        written.is_ok()
    }
}

/// The state of a program, and how one of its calls has ended it.
struct State {
    wasi: RefCell<Wasi>,
    ending: Cell<Option<Ending>>,
}

impl State {
    fn enter(
        &self,
        function: &Function,
        mut context: FuncContext<'_>,
        args: &[WasmValue],
    ) -> Result<Vec<WasmValue>, Error> {
        let bits: Vec<u64> = args.iter().filter_map(bits).collect();
        let memory = context.memory("memory")?;
        let store = context.store_mut();
        let mut guest = Guest { memory, store };
        match function.call(&mut self.wasi.borrow_mut(), &mut guest, &bits) {
            Ok(errno) if function.results.is_empty() => {
                let _ = errno;
                Ok(Vec::new())
            }
            Ok(errno) => Ok(vec![WasmValue::I32(i32::from(errno.number()))]),
            Err(ending) => {
                self.ending.set(Some(ending));
                Err(Error::Other("the program has ended".into()))
            }
        }
    }
}

fn bits(value: &WasmValue) -> Option<u64> {
    match value {
        WasmValue::I64(value) => Some(*value as u64),
        WasmValue::I32(value) => Some(u64::from(*value as u32)),
        _ => None,
    }
}

/// Runs an export.
pub fn run(bytes: &[u8], export: &str) -> Done<Sample> {
    let (wasi, output) = program::begin()?;
    let state = Rc::new(State {
        wasi: RefCell::new(wasi),
        ending: Cell::new(None),
    });
    let mut clock = Clock::start()?;
    let module = tinywasm::parse_bytes(bytes)?;
    clock.compiled()?;
    let mut store = Store::default();
    let mut imports = Imports::new();
    for import in module.imports() {
        if let ImportType::Func(ty) = import.ty {
            let known = FUNCTIONS.iter().find(|it| it.name == import.name);
            let known = known.filter(|_| import.module == MODULE);
            let state = Rc::clone(&state);
            let function =
                HostFunction::from_untyped(&mut store, ty, move |context, args| match known {
                    Some(function) => state.enter(function, context, args),
                    None => Err(Error::Other("a stub".into())),
                });
            imports.define(import.module, import.name, function);
        }
    }
    let instance = ModuleInstance::instantiate(&mut store, &module, Some(imports))?;
    clock.instantiated(0..0)?;
    let func = instance.func_untyped(&store, export)?;
    let mut exports = module.exports();
    let Some(ExportType::Func(ty)) = exports.find(|e| e.name == export).map(|e| e.ty) else {
        return Err("no such export".into());
    };
    let zero = |ty: &WasmType| match ty {
        WasmType::I64 => WasmValue::I64(0),
        WasmType::F32 => WasmValue::F32(0.0),
        WasmType::F64 => WasmValue::F64(0.0),
        _ => WasmValue::I32(0),
    };
    let args: Vec<WasmValue> = ty.params().iter().map(zero).collect();
    let results = match func.call(&mut store, &args) {
        Ok(results) => results,
        Err(error) => {
            program::succeeded(state.ending.get().ok_or(error)?)?;
            Vec::new()
        }
    };
    clock.returned(output.result(results.first().and_then(bits)))
}
