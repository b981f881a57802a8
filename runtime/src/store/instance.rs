//! Instances (spec: "Module Instances"): link check, allocation and initialisation in the order
//! that the spec's "Instantiation" prescribes. Import matching is in `instance/link.rs`, constant
//! expressions in `instance/init.rs`.
//!
//! An instance that fails to initialise stays in its store: its effects so far (functions in shared
//! tables, bytes in shared memories) stay valid, as the spec demands.

mod init;
mod link;

use std::collections::HashMap;
use std::sync::Arc;

use super::{Extern, StoreData, assert_store, check_native_room};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::gc::Heap;
use crate::global::{GlobalData, TagData};
use crate::limits::LimitKind;
use crate::module::{CompiledModule, ExternKind, ModuleParts};
use crate::types::TypeId;
use crate::value::{Func, StoreId, slots_of_all};
use crate::vm::{
    Cx, DataInst, ElementInst, Entry, Exit, FuncInst, GlobalInst, MemoryInst, TableInst, TagInst,
    Vm,
};

/// An instance of a module, in a store.
///
/// ```
/// use wassay_runtime::{Config, Engine, Instance, Module, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let module = Module::new(&engine, b"\0asm\x01\0\0\0")?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// assert!(instance.get_func(&mut store, "run").is_none());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// The contents of an instance. Everything that `vm` points to is in here or in the store.
#[derive(Debug)]
pub(crate) struct InstanceData {
    vm: Box<Vm>,
    module: ModuleParts,
    own_funcs: Box<[FuncInst]>,
    /// The host functions that are imported, with this instance as their caller.
    #[expect(clippy::vec_box, reason = "running code holds their addresses")]
    imported_hosts: Vec<Box<FuncInst>>,
    funcs: Vec<*mut FuncInst>,
    tables: Vec<*mut TableInst>,
    memories: Vec<*mut MemoryInst>,
    globals: Vec<*mut GlobalInst>,
    tags: Vec<*mut TagInst>,
    /// By kind, the same index spaces as handles, for exports; but functions.
    handles: [Vec<Extern>; ExternKind::COUNT],
    elements: Box<[ElementInst]>,
    element_words: Vec<Box<[u64]>>,
    datas: Box<[DataInst]>,
    exports: HashMap<String, Extern>,
    compiled: Arc<dyn CompiledModule>,
}

impl InstanceData {
    /// The module as the engine's tier has compiled it.
    pub(super) fn compiled(&self) -> &dyn CompiledModule {
        &*self.compiled
    }
}

impl StoreData {
    /// Instantiates `module` with its imports in order, and runs its start function.
    ///
    /// # Errors
    /// As [`Instance::new`].
    ///
    /// # Safety
    /// `data` is a live store into which no reference is in use.
    pub(crate) unsafe fn instantiate(
        data: *mut StoreData,
        module: &ModuleParts,
        imports: &[Extern],
    ) -> Result<Instance> {
        check_native_room()?;
        // SAFETY: the caller's contract; the reference ends before any code is entered.
        let store = unsafe { &mut *data };
        if !Arc::ptr_eq(&module.registry, store.engine.registry()) {
            return Err(Error::usage("a module of another engine"));
        }
        link::check(store, module, imports)?;
        let compiled = compile(&store.engine, module)?;
        let proof = store.engine.backend().proof(&*compiled);
        store.heap.publish(&mut store.cx);
        let index = InstanceData::allocate(store, module, imports, compiled)?;
        store.proof.add(&proof);
        let instance = Instance {
            store: store.id,
            index,
        };
        init::initialize(store, index as usize)?;
        if let Some(start) = module.start {
            let id = instance.func_id(store, start);
            if let Some(sampler) = store.engine.config().sampler {
                // Instantiation is not of the start function.
                sampler.begin();
            }
            // SAFETY: the caller's contract; a start function has neither parameters nor results.
            unsafe { StoreData::call_with(data, id, 0, |_, _| (), |_, _| ())? };
        }
        Ok(instance)
    }

    /// The contents of an instance of this store.
    ///
    /// # Panics
    /// If the instance is another store's.
    #[track_caller]
    pub(crate) fn instance(&self, instance: Instance) -> &InstanceData {
        assert_store(instance.store, self);
        &self.instances[instance.index as usize]
    }

    /// The first index under which an instance has a function.
    pub(crate) fn func_index(&self, instance: Instance, func: Func) -> Option<u32> {
        let mut funcs = self.instance(instance).funcs.iter();
        // SAFETY: functions of a store live as long as the store.
        let at = funcs.position(|&it| unsafe { (*it).id } == func.id)?;
        u32::try_from(at).ok()
    }
}

impl Instance {
    fn func_id(self, data: &StoreData, func: u32) -> u32 {
        let inst = data.instances[self.index as usize].funcs[func as usize];
        // SAFETY: functions of a store live as long as the store.
        unsafe { (*inst).id }
    }
}

/// The module's code in the engine's tier, compiled now if it has not been.
fn compile(engine: &Engine, module: &ModuleParts) -> Result<Arc<dyn CompiledModule>> {
    let backend = engine.backend();
    let slot = &module.compiled[backend.tier() as usize];
    if let Some(code) = slot.get() {
        return Ok(code.clone());
    }
    let code = backend.compile(module, engine.config())?;
    Ok(slot.get_or_init(|| code).clone())
}

impl InstanceData {
    /// The instance's module.
    pub(crate) fn module(&self) -> &ModuleParts {
        &self.module
    }

    /// The export of that name.
    pub(crate) fn export(&self, name: &str) -> Option<Extern> {
        self.exports.get(name).copied()
    }

    /// Allocates everything that the module defines and adds the instance to the store.
    fn allocate(
        data: &mut StoreData,
        module: &ModuleParts,
        imports: &[Extern],
        compiled: Arc<dyn CompiledModule>,
    ) -> Result<u32> {
        let max = data.engine.config().limits.instances_max;
        data.check_count(LimitKind::Instances, data.instances.len(), max)?;
        let mut instance = Box::new(InstanceData::empty(data, module, compiled));
        instance.add_imports(data, imports);
        instance.add_functions(data, module);
        instance.add_memories(data, module)?;
        instance.add_tables(data, module)?;
        instance.add_globals(data, module);
        instance.add_tags(data, module);
        instance.add_segments();
        instance.add_exports(data.id);
        instance.fill_vm();
        data.instances.push(instance);
        Ok(data.instances.len() as u32 - 1)
    }

    fn empty(
        data: &mut StoreData,
        module: &ModuleParts,
        compiled: Arc<dyn CompiledModule>,
    ) -> InstanceData {
        InstanceData {
            vm: Box::new(empty_vm(&raw mut data.cx, data.instances.len() as u32)),
            module: module.clone(),
            own_funcs: Box::default(),
            imported_hosts: Vec::new(),
            funcs: Vec::with_capacity(module.funcs.len()),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            handles: Default::default(),
            elements: Box::default(),
            element_words: Vec::new(),
            datas: Box::default(),
            exports: HashMap::new(),
            compiled,
        }
    }

    fn add_imports(&mut self, data: &mut StoreData, imports: &[Extern]) {
        for &import in imports {
            self.push(data, import);
        }
    }

    fn add_functions(&mut self, data: &mut StoreData, module: &ModuleParts) {
        let vm = &raw mut *self.vm;
        let first = module.imported.funcs;
        let new_func = |(i, signature): (usize, &Arc<crate::types::FuncType>)| FuncInst {
            entry: not_installed as Entry,
            vm,
            jit: std::ptr::null(),
            stack: std::ptr::null(),
            register: std::ptr::null(),
            ty: module.func_type_id(first + i as u32),
            index: first + i as u32,
            id: 0,
            param_slots: slots_of_all(&signature.params) as u32,
            result_slots: slots_of_all(&signature.results) as u32,
            host: std::ptr::null(),
            importer: std::ptr::null_mut(),
        };
        let defined = module.signatures[first as usize..].iter().enumerate();
        self.own_funcs = defined.map(new_func).collect();
        let engine = data.engine.clone();
        for func in &mut self.own_funcs {
            engine.backend().install(&*self.compiled, module, func);
            func.id = data.add_func(func);
            self.funcs.push(func);
        }
    }

    fn add_memories(&mut self, data: &mut StoreData, module: &ModuleParts) -> Result<()> {
        for &ty in &module.memories[module.imported.memories as usize..] {
            let handle = data.new_memory(ty)?;
            self.push(data, handle.into());
        }
        Ok(())
    }

    fn add_tables(&mut self, data: &mut StoreData, module: &ModuleParts) -> Result<()> {
        for &ty in &module.tables[module.imported.tables as usize..] {
            let handle = data.new_table(ty, 0)?;
            self.push(data, handle.into());
        }
        Ok(())
    }

    /// Allocates the globals, all zero: their initialisers run later, in order.
    fn add_globals(&mut self, data: &mut StoreData, module: &ModuleParts) {
        for &ty in &module.globals[module.imported.globals as usize..] {
            let inst = GlobalInst { slots: [0; 2] };
            let handle = data.add_global(Box::new(GlobalData { inst, ty }));
            self.push(data, handle.into());
        }
    }

    fn add_tags(&mut self, data: &mut StoreData, module: &ModuleParts) {
        for &ty in &module.tags[module.imported.tags as usize..] {
            let id = data.tags.len() as u32;
            let inst = TagInst {
                ty: module.types[ty as usize],
                id,
                payload_slots: slots_of_all(&module.func_type(ty).params) as u32,
            };
            let handle = data.add_tag(Box::new(TagData { inst }));
            self.push(data, handle.into());
        }
    }

    fn add_segments(&mut self) {
        let module = &self.module;
        let empty = |_: &crate::module::ElementSegment| ElementInst {
            words: std::ptr::null(),
            len: 0,
        };
        self.elements = module.elements.iter().map(empty).collect();
        self.datas = module
            .datas
            .iter()
            .map(|segment| DataInst {
                bytes: module.bytes[segment.range.clone()].as_ptr(),
                len_bytes: segment.range.len(),
            })
            .collect();
    }

    fn add_exports(&mut self, store: StoreId) {
        for export in &self.module.exports {
            let i = export.index as usize;
            let value = match export.kind {
                ExternKind::Func => {
                    // SAFETY: functions of a store live as long as the store.
                    let id = unsafe { (*self.funcs[i]).id };
                    Extern::Func(Func { store, id })
                }
                kind => self.handles[kind as usize][i],
            };
            self.exports.insert(export.name.clone(), value);
        }
    }

    /// Points the vm at the finished index spaces, which do not move any more.
    fn fill_vm(&mut self) {
        let vm = &mut *self.vm;
        vm.memory0 = self
            .memories
            .first()
            .copied()
            .unwrap_or(std::ptr::null_mut());
        vm.funcs = self.funcs.as_ptr();
        vm.tables = self.tables.as_ptr();
        vm.memories = self.memories.as_ptr();
        vm.globals = self.globals.as_ptr();
        vm.tags = self.tags.as_ptr();
        vm.types = self.module.types.as_ptr().cast::<TypeId>();
        vm.elements = self.elements.as_mut_ptr();
        vm.datas = self.datas.as_mut_ptr();
        vm.compiled = Arc::as_ptr(&self.compiled).cast();
    }

    /// Marks the referents of the element segments that have not been dropped.
    pub(super) fn mark_elements(&self, heap: &mut Heap) {
        for (segment, inst) in self.module.elements.iter().zip(&self.elements) {
            if segment.ty.may_refer_to_objects() && inst.len > 0 {
                // SAFETY: the words are in `element_words`, as many as `len` says.
                heap.mark_all(unsafe { std::slice::from_raw_parts(inst.words, inst.len) });
            }
        }
    }

    fn push_func(&mut self, func: *mut FuncInst) {
        // SAFETY: functions of a store live as long as the store.
        let inst = unsafe { *func };
        if inst.host.is_null() {
            return self.funcs.push(func);
        }
        let importer = &raw mut *self.vm;
        let mut own = Box::new(FuncInst { importer, ..inst });
        self.funcs.push(&raw mut *own);
        self.imported_hosts.push(own);
    }

    /// Adds an item of the store to its index space.
    fn push(&mut self, data: &mut StoreData, item: Extern) {
        let kind = match item {
            Extern::Func(h) => return self.push_func(data.funcs[h.id as usize]),
            Extern::Table(h) => {
                self.tables
                    .push(&raw mut data.tables[h.index as usize].inst);
                ExternKind::Table
            }
            Extern::Memory(h) => {
                self.memories
                    .push(&raw mut data.memories[h.index as usize].inst);
                ExternKind::Memory
            }
            Extern::Global(h) => {
                self.globals
                    .push(&raw mut data.globals[h.index as usize].inst);
                ExternKind::Global
            }
            Extern::Tag(h) => {
                self.tags.push(&raw mut data.tags[h.index as usize].inst);
                ExternKind::Tag
            }
        };
        self.handles[kind as usize].push(item);
    }
}

fn empty_vm(cx: *mut Cx, instance: u32) -> Vm {
    Vm {
        cx,
        memory0: std::ptr::null_mut(),
        funcs: std::ptr::null(),
        tables: std::ptr::null(),
        memories: std::ptr::null(),
        globals: std::ptr::null(),
        types: std::ptr::null(),
        elements: std::ptr::null_mut(),
        datas: std::ptr::null_mut(),
        tags: std::ptr::null(),
        compiled: std::ptr::null(),
        instance,
    }
}

/// The entry of a function whose tier has not been installed: an exit code that is in no table.
unsafe extern "C" fn not_installed(_: *mut FuncInst, _: *mut Cx, _: *mut u64) -> Exit {
    Exit::MAX
}
