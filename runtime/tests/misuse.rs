//! Misuse of every public method, in every tier: handles of another store, of a store that is gone
//! and of another engine, values of the wrong kind, and stores that are used while they run. All of
//! it is refused, by an error of kind `Usage` or by a panic, and the store works on afterwards.
//!
//! [`every_public_method_is_tested`] reads the sources: a public method of a handle or of a store
//! is named in a test here, or in [`HARMLESS`] with the reason.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use wassay_runtime::{
    AbstractHeapType, AnyRef, ArrayRef, ArrayRefPre, ArrayType, Caller, Config, Engine, Error,
    ErrorKind, Exception, Extern, ExternRef, FieldType, Func, FuncType, Global, GlobalType,
    Instance, Linker, Memory, MemoryType, Module, Mutability, Ref, RefType, RootMark, RootScope,
    SharedMemory, StorageType, Store, StructRef, StructRefPre, StructType, Table, TableType, Tag,
    Thresholds, Tier, TrapKind, Val, ValType,
};

#[path = "../examples/support/mod.rs"]
mod support;

/// Public methods that take neither a handle nor a store, or that any use of is right.
const HARMLESS: &[(&str, &str)] = &[
    (
        "a new store, and the end of one",
        "Store::new Store::into_data Linker::new RootScope::new",
    ),
    (
        "of the borrowed store alone",
        "store::data store::data_mut store::engine store::get_fuel store::set_fuel store::gc
         store::gc_statistics store::proof Store::set_deadline Store::interrupt_handle
         StoreContext::data StoreContextMut::data StoreContextMut::data_mut Caller::instance
         Caller::get_export
         RootMark::open Linker::engine Linker::allow_shadowing",
    ),
    (
        "new values from plain types and closures",
        "Func::wrap Memory::new SharedMemory::new SharedMemory::in_store Linker::func_wrap
         Linker::define",
    ),
    (
        "of macros: tested under the names of their types",
        "$name::from_heap_type $name::matches $name::new",
    ),
    (
        "parts of a value that is at hand",
        "TypedFunc::func Exception::of Exception::to_ref Extern::into SharedMemory::size
         SharedMemory::data_size SharedMemory::data AnyRef::convert_extern AnyRef::as AnyRef::is
         StructType::field StructType::fields ArrayType::element",
    ),
];

const MODULE: &str = r#"
(module
  (type $s (struct (field i32)))
  (memory (export "memory") 1 3)
  (table (export "table") 4 8 funcref)
  (table (export "objects") 4 8 anyref)
  (global (export "global") (mut i32) (i32.const 7))
  (global (export "object") (mut anyref) (ref.null any))
  (global (export "function") (mut funcref) (ref.null func))
  (tag (export "tag") (param i32))
  (tag (export "tag_of_ref") (param anyref))
  (func (export "func") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "make") (result anyref) (struct.new $s (i32.const 5)))
  (func (export "take_any") (param anyref) (result i32) (ref.is_null (local.get 0)))
  (func (export "take_extern") (param externref) (result i32) (ref.is_null (local.get 0)))
  (func (export "take_func") (param funcref) (result i32) (ref.is_null (local.get 0)))
  (func (export "take_exn") (param exnref) (result i32) (ref.is_null (local.get 0)))
  (func (export "throw") (throw 0 (i32.const 3))))
"#;

/// The engines to test: one for each way of running code that this machine has.
fn engines() -> Vec<Engine> {
    let mut configs = vec![Config::new(), Config::new(), Config::new()];
    configs[0].tier(Tier::Stack);
    configs[1].tier(Tier::Register);
    // The default is tiered where machine code can run, and the register interpreter elsewhere.
    if cfg!(target_arch = "aarch64") {
        configs[2].tiers(Thresholds::both(1));
        let mut jit = Config::new();
        jit.tier(Tier::Jit);
        configs.push(jit);
    }
    let engine = |config: &Config| Engine::new(config).expect("a valid configuration");
    configs.iter().map(engine).collect()
}

/// The types of the host's objects: a structure of an immutable i16 and a mutable `anyref`, and an
/// array of mutable `anyref`.
struct Objects {
    structure: StructType,
    array: ArrayType,
}

impl Objects {
    fn new(engine: &Engine) -> Objects {
        let any = RefType::nullable(AbstractHeapType::Any);
        let any = FieldType::new(Mutability::Var, StorageType::Val(ValType::Ref(any)));
        let number = FieldType::new(Mutability::Const, StorageType::I16);
        Objects {
            structure: StructType::new(engine, [number, any]).expect("types of the engine"),
            array: ArrayType::new(engine, any).expect("types of the engine"),
        }
    }
}

/// One of each thing of a store.
#[derive(Clone)]
struct Things {
    engine: Engine,
    structure: StructRef,
    array: ArrayRef,
    instance: Instance,
    func: Func,
    memory: Memory,
    table: Table,
    objects: Table,
    global: Global,
    object_global: Global,
    func_global: Global,
    tag: Tag,
    tag_of_ref: Tag,
    exception: Exception,
    object: Val,
    value: ExternRef,
}

fn things(engine: &Engine, store: &mut Store<u32>) -> Things {
    let module = support::module(engine, MODULE).expect("a module");
    let instance = Instance::new(&mut *store, &module, &[]).expect("an instance");
    let func = instance.get_func(&*store, "make").expect("an export");
    let object = func.invoke(&mut *store, &[]).expect("an object")[0];
    let tag = instance.get_tag(&*store, "tag").expect("an export");
    let exception = Exception::new(&mut *store, tag, &[Val::I32(3)]).expect("an exception");
    let types = Objects::new(engine);
    let pre = StructRefPre::new(&mut *store, types.structure).expect("its engine");
    let structure = StructRef::new(&mut *store, &pre, &[Val::I32(1), object]).expect("room");
    let pre = ArrayRefPre::new(&mut *store, types.array).expect("its engine");
    let array = ArrayRef::new(&mut *store, &pre, &object, 2).expect("room");
    let global = |name| instance.get_global(&*store, name).expect("an export");
    Things {
        engine: engine.clone(),
        structure,
        array,
        instance,
        func: instance.get_func(&*store, "func").expect("an export"),
        memory: instance.get_memory(&*store, "memory").expect("an export"),
        table: instance.get_table(&*store, "table").expect("an export"),
        objects: instance.get_table(&*store, "objects").expect("an export"),
        global: global("global"),
        object_global: global("object"),
        func_global: global("function"),
        tag,
        tag_of_ref: instance.get_tag(&*store, "tag_of_ref").expect("an export"),
        exception,
        object,
        value: ExternRef::new(&mut *store, "a value").expect("room"),
    }
}

thread_local! {
    /// The methods that tests have named.
    static NAMED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// The call of a method must fail as `Usage`.
#[track_caller]
fn refused<T: Debug>(name: &'static str, result: Result<T, Error>) {
    NAMED.with_borrow_mut(|named| named.insert(name));
    match result {
        Ok(value) => panic!("{name} gave {value:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Usage, "{name}: {error}"),
    }
}

/// The call of a method must panic, and say that the store is wrong.
#[track_caller]
fn panics<T>(name: &'static str, call: impl FnOnce() -> T) {
    NAMED.with_borrow_mut(|named| named.insert(name));
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else {
        panic!("{name} did not panic");
    };
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or(payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned()));
    let message = message.expect("a panic with a message");
    assert!(
        message.contains("object used with the wrong store"),
        "{name}: {message}"
    );
}

/// Everything of a store still works.
fn check_works(store: &mut Store<u32>, it: &Things) {
    assert_eq!(
        it.func.invoke(&mut *store, &[Val::I32(1)]).expect("runs"),
        [Val::I32(2)]
    );
    it.memory.write(&mut *store, 0, b"ok").expect("in bounds");
    it.global.set(&mut *store, Val::I32(9)).expect("mutable");
    assert_eq!(it.global.get(&*store), Val::I32(9));
    store.gc();
    assert_eq!(it.exception.get(&*store), Some((it.tag, vec![Val::I32(3)])));
}

/// Every method of a handle, called with a store that is not the handle's.
fn foreign_handles(engine: &Engine, own: &mut Store<u32>, it: &Things) {
    let mut results = [Val::I32(0)];
    refused(
        "Func::call",
        it.func.call(&mut *own, &[Val::I32(1)], &mut results),
    );
    refused("Func::invoke", it.func.invoke(&mut *own, &[Val::I32(1)]));
    refused("Func::typed", it.func.typed::<i32, i32>(&*own));
    panics("Func::ty", || it.func.ty(&*own));

    panics("Memory::ty", || it.memory.ty(&*own));
    panics("Memory::size", || it.memory.size(&*own));
    panics("Memory::data_size", || it.memory.data_size(&*own));
    panics("Memory::data", || it.memory.data(&*own).len());
    panics("Memory::data_mut", || it.memory.data_mut(&mut *own).len());
    panics("Memory::data_and_store_mut", || {
        it.memory.data_and_store_mut(&mut *own).0.len()
    });
    panics("Memory::shared", || it.memory.shared(&*own));
    refused("Memory::read", it.memory.read(&*own, 0, &mut [0; 2]));
    refused("Memory::write", it.memory.write(&mut *own, 0, &[1, 2]));
    refused("Memory::grow", it.memory.grow(&mut *own, 1));

    panics("Table::ty", || it.table.ty(&*own));
    panics("Table::size", || it.table.size(&*own));
    panics("Table::get", || it.table.get(&*own, 0));
    refused("Table::set", it.table.set(&mut *own, 0, Ref::null_func()));
    refused("Table::grow", it.table.grow(&mut *own, 1, Ref::null_func()));

    panics("Global::ty", || it.global.ty(&*own));
    panics("Global::get", || it.global.get(&*own));
    refused("Global::set", it.global.set(&mut *own, Val::I32(1)));
    panics("Tag::ty", || it.tag.ty(&*own));

    refused(
        "Exception::new",
        Exception::new(&mut *own, it.tag, &[Val::I32(1)]),
    );
    NAMED.with_borrow_mut(|named| named.insert("Exception::get"));
    assert_eq!(it.exception.get(&*own), None);

    panics("Instance::get_export", || {
        it.instance.get_export(&*own, "func")
    });
    panics("Instance::get_func", || it.instance.get_func(&*own, "func"));
    panics("Instance::get_memory", || {
        it.instance.get_memory(&*own, "memory")
    });
    panics("Instance::get_table", || {
        it.instance.get_table(&*own, "table")
    });
    panics("Instance::get_global", || {
        it.instance.get_global(&*own, "global")
    });
    panics("Instance::get_tag", || it.instance.get_tag(&*own, "tag"));
    panics("Instance::exports", || it.instance.exports(&*own).count());
    panics("Instance::module", || it.instance.module(&*own));
    refused(
        "Instance::get_typed_func",
        it.instance.get_typed_func::<i32, i32>(&*own, "func"),
    );

    for value in externs(it) {
        panics("Extern::ty", || value.ty(&*own));
    }
    let mut linker = Linker::new(engine);
    let linked = linker
        .instance(&*own, "other", it.instance)
        .map(|_linker| ());
    refused("Linker::instance", linked);
}

fn externs(it: &Things) -> [Extern; 5] {
    [
        it.func.into(),
        it.memory.into(),
        it.table.into(),
        it.global.into(),
        it.tag.into(),
    ]
}

/// Values of another store, given to what is of the own store.
fn foreign_values(own: &mut Store<u32>, mine: &Things, other: &Things) {
    let Val::Ref(object) = other.object else {
        panic!("an object is a reference");
    };
    let func = Ref::Func(other.func);
    refused(
        "Table::new",
        Table::new(&mut *own, TableType::new(RefType::FUNCREF, 1, None), func),
    );
    refused("Table::set", mine.table.set(&mut *own, 0, func));
    refused("Table::grow", mine.table.grow(&mut *own, 1, func));
    refused("Table::set", mine.objects.set(&mut *own, 0, object));
    refused("Table::grow", mine.objects.grow(&mut *own, 1, object));
    refused(
        "Global::set",
        mine.object_global.set(&mut *own, other.object),
    );
    refused(
        "Global::set",
        mine.func_global.set(&mut *own, Val::Ref(func)),
    );
    let ty = GlobalType::new(ValType::Ref(RefType::FUNCREF), Mutability::Var);
    refused("Global::new", Global::new(&mut *own, ty, Val::Ref(func)));
    refused(
        "Exception::new",
        Exception::new(&mut *own, mine.tag_of_ref, &[other.object]),
    );

    let take = |name| mine.instance.get_func(&*own, name).expect("an export");
    let (take_any, take_func, take_exn) = (take("take_any"), take("take_func"), take("take_exn"));
    let take_extern = take("take_extern");
    refused("Func::invoke", take_any.invoke(&mut *own, &[other.object]));
    refused(
        "Func::invoke",
        take_func.invoke(&mut *own, &[Val::Ref(func)]),
    );
    refused(
        "Func::invoke",
        take_exn.invoke(&mut *own, &[Val::from(other.exception)]),
    );
    let typed = take_func
        .typed::<Option<Func>, i32>(&*own)
        .expect("its type");
    refused("TypedFunc::call", typed.call(&mut *own, Some(other.func)));
    let typed = take_exn
        .typed::<Option<Exception>, i32>(&*own)
        .expect("its type");
    refused(
        "TypedFunc::call",
        typed.call(&mut *own, Some(other.exception)),
    );
    let typed = take_any
        .typed::<StructRef, i32>(&*own)
        .expect("a subtype of its type");
    refused("TypedFunc::call", typed.call(&mut *own, other.structure));
    let external = ExternRef::convert_any(other.structure.into());
    refused(
        "Func::invoke",
        take_extern.invoke(&mut *own, &[external.into()]),
    );
    refused("ExternRef::data", other.value.data(&*own));
    refused("ExternRef::data_mut", other.value.data_mut(&mut *own));
    for value in [
        other.value,
        ExternRef::convert_any(AnyRef::convert_extern(other.value)),
    ] {
        refused(
            "Func::invoke",
            take_extern.invoke(&mut *own, &[value.into()]),
        );
    }
    NAMED.with_borrow_mut(|named| named.insert("Exception::from_ref"));
    assert_eq!(Exception::from_ref(object), None);
}

/// What host functions return is checked as what the host gives is.
fn foreign_results(own: &mut Store<u32>, other: &Things) {
    let (func, exception) = (other.func, other.exception);
    let typed = Func::wrap(&mut *own, move || func);
    refused("Func::invoke", typed.invoke(&mut *own, &[]));
    let typed = Func::wrap(&mut *own, move || Some(exception));
    refused("Func::invoke", typed.invoke(&mut *own, &[]));
    let ty = FuncType::new([], [ValType::Ref(RefType::FUNCREF)]);
    let untyped = Func::new(&mut *own, ty, move |_caller, _params, results| {
        results[0] = Val::from(func);
        Ok(())
    });
    let untyped = untyped.expect("a function");
    refused("Func::invoke", untyped.invoke(&mut *own, &[]));
    let results_of_wrong_type = Func::new(
        &mut *own,
        FuncType::new([], [ValType::I32]),
        |_caller, _params, results| {
            results[0] = Val::I64(1);
            Ok(())
        },
    );
    let results_of_wrong_type = results_of_wrong_type.expect("a function");
    refused("Func::invoke", results_of_wrong_type.invoke(&mut *own, &[]));
    // An error that is said to be an exception, and is another store's, or a structure.
    NAMED.with_borrow_mut(|named| named.insert("Exception::to_error"));
    let throw = Func::wrap(&mut *own, move || Err::<(), Error>(exception.to_error()));
    refused("Func::invoke", throw.invoke(&mut *own, &[]));
}

/// Objects and their allocators of another store, and values of another store in own objects.
fn foreign_objects(own: &mut Store<u32>, mine: &Things, other: &Things) {
    let (structure, array) = (other.structure, other.array);
    refused("StructRef::ty", structure.ty(&*own));
    refused("StructRef::fields", structure.fields(&mut *own));
    refused("StructRef::field", structure.field(&mut *own, 0));
    refused(
        "StructRef::set_field",
        structure.set_field(&mut *own, 0, Val::I32(1)),
    );
    refused("ArrayRef::ty", array.ty(&*own));
    refused("ArrayRef::len", array.len(&*own));
    refused("ArrayRef::elems", array.elems(&mut *own));
    refused("ArrayRef::get", array.get(&mut *own, 0));
    refused("ArrayRef::set", array.set(&mut *own, 0, mine.object));

    let alien = Objects::new(&Engine::new(&Config::new()).expect("a valid configuration"));
    refused(
        "StructRefPre::new",
        StructRefPre::new(&mut *own, alien.structure),
    );
    refused("ArrayRefPre::new", ArrayRefPre::new(&mut *own, alien.array));
    let mut elsewhere = Store::new(&mine.engine, 0);
    let types = Objects::new(&mine.engine);
    let pre = StructRefPre::new(&mut elsewhere, types.structure.clone()).expect("its engine");
    refused(
        "StructRef::new",
        StructRef::new(&mut *own, &pre, &[Val::I32(1), mine.object]),
    );
    let pre = ArrayRefPre::new(&mut elsewhere, types.array.clone()).expect("its engine");
    refused(
        "ArrayRef::new",
        ArrayRef::new(&mut *own, &pre, &mine.object, 3),
    );
    refused(
        "ArrayRef::new_fixed",
        ArrayRef::new_fixed(&mut *own, &pre, &[mine.object]),
    );

    let pre = StructRefPre::new(&mut *own, types.structure).expect("its engine");
    refused(
        "StructRef::new",
        StructRef::new(&mut *own, &pre, &[Val::I32(1), other.object]),
    );
    refused(
        "StructRef::set_field",
        mine.structure.set_field(&mut *own, 1, other.object),
    );
    let pre = ArrayRefPre::new(&mut *own, types.array).expect("its engine");
    refused(
        "ArrayRef::new",
        ArrayRef::new(&mut *own, &pre, &other.object, 3),
    );
    refused(
        "ArrayRef::new_fixed",
        ArrayRef::new_fixed(&mut *own, &pre, &[mine.object, other.object]),
    );
    refused("ArrayRef::set", mine.array.set(&mut *own, 0, other.object));
    wrong_values_for_objects(own, mine);
}

/// Values and indices that do not fit their object; what is immutable.
fn wrong_values_for_objects(own: &mut Store<u32>, mine: &Things) {
    let (structure, array) = (mine.structure, mine.array);
    let types = Objects::new(&mine.engine);
    let pre = StructRefPre::new(&mut *own, types.structure).expect("its engine");
    for fields in [
        &[][..],
        &[Val::I32(1)],
        &[Val::I64(1), mine.object],
        &[Val::I32(1), Val::from(ExternRef::from_number(1))],
        &[Val::I32(1), mine.object, mine.object],
    ] {
        refused("StructRef::new", StructRef::new(&mut *own, &pre, fields));
    }
    refused(
        "StructRef::set_field",
        structure.set_field(&mut *own, 0, Val::I32(1)),
    );
    refused(
        "StructRef::set_field",
        structure.set_field(&mut *own, 1, Val::I32(1)),
    );
    for index in [2, usize::MAX] {
        refused("StructRef::field", structure.field(&mut *own, index));
        refused(
            "StructRef::set_field",
            structure.set_field(&mut *own, index, mine.object),
        );
    }
    refused("ArrayRef::set", array.set(&mut *own, 0, Val::I32(1)));
    for index in [2, u32::MAX] {
        let trap = Some(TrapKind::ArrayOutOfBounds);
        let ended = array.get(&mut *own, index).expect_err("a trap");
        assert_eq!(ended.trap_kind(), trap);
        let ended = array.set(&mut *own, index, mine.object);
        assert_eq!(ended.expect_err("a trap").trap_kind(), trap);
    }
    let pre = ArrayRefPre::new(&mut *own, types.array).expect("its engine");
    refused(
        "ArrayRef::new",
        ArrayRef::new(&mut *own, &pre, &Val::I32(1), 0),
    );
    let ended = ArrayRef::new(&mut *own, &pre, &mine.object, u32::MAX).expect_err("too large");
    assert_eq!(ended.trap_kind(), Some(TrapKind::HeapExhausted));
    let constant = FieldType::new(Mutability::Const, StorageType::I8);
    let constant = ArrayType::new(&mine.engine, constant).expect("no type of another engine");
    let pre = ArrayRefPre::new(&mut *own, constant).expect("its engine");
    let constant = ArrayRef::new(&mut *own, &pre, &Val::I32(1), 1).expect("room");
    refused("ArrayRef::set", constant.set(&mut *own, 0, Val::I32(2)));
}

/// Modules, imports and types of another store or engine.
fn foreign_imports(engine: &Engine, own: &mut Store<u32>, mine: &Things, other: &Things) {
    let text = r#"(module
      (import "m" "f" (func (param i32) (result i32))) (import "m" "m" (memory 1))
      (import "m" "t" (table 4 funcref)) (import "m" "g" (global (mut i32)))
      (import "m" "e" (tag (param i32))))"#;
    let module = support::module(engine, text).expect("a module");
    for place in 0..5 {
        let mut imports = externs(mine);
        imports[place] = externs(other)[place];
        refused("Instance::new", Instance::new(&mut *own, &module, &imports));
        let mut linker = Linker::new(engine);
        for (name, value) in ["f", "m", "t", "g", "e"].into_iter().zip(imports) {
            linker.define("m", name, value).expect("a new name");
        }
        refused(
            "Linker::instantiate",
            linker.instantiate(&mut *own, &module),
        );
        refused(
            "Linker::module",
            linker.module(&mut *own, "x", &module).map(|_linker| ()),
        );
        // The linker gives what it was given; each use of that is checked.
        NAMED.with_borrow_mut(|named| named.insert("Linker::get"));
        assert_eq!(linker.get(&mut *own, "m", "f"), Some(imports[0]));
    }
    assert!(Instance::new(&mut *own, &module, &externs(mine)).is_ok());
    refused(
        "Instance::new",
        Instance::new(&mut *own, &module, &externs(mine)[1..]),
    );

    let elsewhere = Engine::new(&Config::new()).expect("a valid configuration");
    let foreign = support::module(&elsewhere, MODULE).expect("a module");
    refused("Instance::new", Instance::new(&mut *own, &foreign, &[]));
    let linker = Linker::new(engine);
    refused(
        "Linker::instantiate",
        linker.instantiate(&mut *own, &foreign),
    );
    let linker = Linker::new(&elsewhere);
    refused(
        "Linker::instantiate",
        linker.instantiate(&mut *own, &foreign),
    );
    foreign_types(own, &foreign);
}

/// Types that name a type of another engine.
fn foreign_types(own: &mut Store<u32>, foreign: &Module) {
    let text = "(module (rec (type $a (struct (field i64 i32 i16))) (type $b (array (ref $a))))
      (type $s (struct (field (ref null $b))))
      (func (export \"f\") (param (ref null $s))))";
    let elsewhere = Engine::new(&Config::new()).expect("a valid configuration");
    let module = support::module(&elsewhere, text).expect("a module");
    let export = module.get_export("f").expect("an export");
    let ty = export.func().expect("a function").clone();
    let ValType::Ref(reference) = ty.params()[0] else {
        panic!("the parameter is a reference");
    };
    let null = Ref::null_func();
    refused(
        "Func::new",
        Func::new(&mut *own, ty.clone(), |_caller, _params, _results| Ok(())),
    );
    refused("Tag::new", Tag::new(&mut *own, ty.clone()));
    refused(
        "Table::new",
        Table::new(&mut *own, TableType::new(reference, 1, None), null),
    );
    let global = GlobalType::new(ValType::Ref(reference), Mutability::Var);
    refused(
        "Global::new",
        Global::new(&mut *own, global, Val::Ref(null)),
    );
    let field = FieldType::new(Mutability::Var, StorageType::Val(ValType::Ref(reference)));
    let engine = own.engine().clone();
    refused("StructType::new", StructType::new(&engine, [field]));
    refused("ArrayType::new", ArrayType::new(&engine, field));
    NAMED.with_borrow_mut(|named| named.insert("StructType::from_heap_type"));
    let heap = reference.heap_type();
    assert_eq!(StructType::from_heap_type(&engine, heap), None);
    assert_eq!(ArrayType::from_heap_type(&elsewhere, heap), None);
    assert!(StructType::from_heap_type(&elsewhere, heap).is_some());
    NAMED.with_borrow_mut(|named| named.insert("Linker::func_new"));
    let mut linker: Linker<u32> = Linker::new(&elsewhere);
    linker
        .func_new("m", "f", ty, |_caller, _params, _results| Ok(()))
        .expect("a new name");
    let used = linker.instantiate(&mut *own, foreign);
    refused("Linker::instantiate", used);
}

/// Arguments that do not fit their function.
fn wrong_arguments(own: &mut Store<u32>, it: &Things) {
    let mut results = [Val::I32(0)];
    refused("Func::call", it.func.call(&mut *own, &[], &mut results));
    refused(
        "Func::call",
        it.func.call(&mut *own, &[Val::I64(1)], &mut results),
    );
    refused(
        "Func::call",
        it.func.call(&mut *own, &[Val::I32(1)], &mut []),
    );
    refused("Func::typed", it.func.typed::<i64, i32>(&*own));
    refused("Func::typed", it.func.typed::<i32, ()>(&*own));
    refused("Global::set", it.global.set(&mut *own, Val::I64(1)));
    refused(
        "Table::set",
        it.table.set(&mut *own, 0, ExternRef::from_number(1).into()),
    );
    refused("Exception::new", Exception::new(&mut *own, it.tag, &[]));
    assert!(it.memory.read(&*own, usize::MAX, &mut [0; 2]).is_err());
    assert!(it.memory.write(&mut *own, 65_535, &[0; 2]).is_err());
    assert_eq!(it.table.get(&*own, u64::MAX), None);
    assert!(it.table.set(&mut *own, u64::MAX, Ref::null_func()).is_err());
    assert!(it.memory.grow(&mut *own, u64::MAX).is_err());
    assert!(
        it.table
            .grow(&mut *own, u64::MAX, Ref::null_func())
            .is_err()
    );
}

#[test]
fn handles_of_another_store_are_refused() {
    for engine in engines() {
        let (mut own, mut other) = (Store::new(&engine, 1), Store::new(&engine, 2));
        let (mine, foreign) = (things(&engine, &mut own), things(&engine, &mut other));
        misuse(&engine, &mut own, &mine, &foreign);
        check_works(&mut other, &foreign);
    }
}

#[test]
fn handles_of_a_store_that_is_gone_are_refused() {
    for engine in engines() {
        let mut own = Store::new(&engine, 1);
        let mine = things(&engine, &mut own);
        let gone = things(&engine, &mut Store::new(&engine, 2));
        misuse(&engine, &mut own, &mine, &gone);
    }
}

#[test]
fn handles_of_another_engine_are_refused() {
    for engine in engines() {
        let mut own = Store::new(&engine, 1);
        let mine = things(&engine, &mut own);
        let elsewhere = Engine::new(&Config::new()).expect("a valid configuration");
        let mut other = Store::new(&elsewhere, 2);
        let foreign = things(&elsewhere, &mut other);
        misuse(&engine, &mut own, &mine, &foreign);
    }
}

fn misuse(engine: &Engine, own: &mut Store<u32>, mine: &Things, foreign: &Things) {
    foreign_handles(engine, own, foreign);
    foreign_values(own, mine, foreign);
    foreign_results(own, foreign);
    foreign_objects(own, mine, foreign);
    foreign_imports(engine, own, mine, foreign);
    wrong_arguments(own, mine);
    check_works(own, mine);
}

#[test]
fn released_handles_are_refused() {
    for engine in engines() {
        let mut store = Store::new(&engine, 1);
        let it = things(&engine, &mut store);
        let make = it.instance.get_func(&store, "make").expect("an export");
        let take = it.instance.get_func(&store, "take_any").expect("an export");
        let mut scope = RootScope::new(&mut store);
        let object = make.invoke(&mut scope, &[]).expect("an object")[0];
        let exception = Exception::new(&mut scope, it.tag, &[Val::I32(1)]).expect("an exception");
        drop(scope);
        store.gc();
        // Another object takes the place of the released one.
        let next = make.invoke(&mut store, &[]).expect("an object")[0];
        assert_ne!(next, object);
        refused("Func::invoke", take.invoke(&mut store, &[object]));
        refused("Global::set", it.object_global.set(&mut store, object));
        assert_eq!(exception.get(&store), None);
        let object = AnyRef::try_from(object).expect("an object");
        let object = object.as_struct().expect("a structure");
        refused("StructRef::ty", object.ty(&store));
        refused("StructRef::fields", object.fields(&mut store));
        refused("StructRef::field", object.field(&mut store, 0));
        let written = object.set_field(&mut store, 0, Val::I32(1));
        refused("StructRef::set_field", written);
        check_works(&mut store, &it);
    }
}

#[test]
fn scopes_of_another_store_or_out_of_order_do_no_harm() {
    for engine in engines() {
        let (mut own, mut other) = (Store::new(&engine, 1), Store::new(&engine, 2));
        let it = things(&engine, &mut own);
        let mark = RootMark::open(&own);
        panics("RootMark::close", || mark.close(&mut other));
        let make = it.instance.get_func(&own, "make").expect("an export");
        let (outer, first) = (
            RootMark::open(&own),
            make.invoke(&mut own, &[]).expect("runs")[0],
        );
        let (inner, second) = (
            RootMark::open(&own),
            make.invoke(&mut own, &[]).expect("runs")[0],
        );
        outer.close(&mut own);
        inner.close(&mut own);
        for object in [first, second] {
            refused("Global::set", it.object_global.set(&mut own, object));
        }
        check_works(&mut own, &it);
    }
}

/// Host functions that use their store in every way while code runs in it.
#[test]
fn a_store_can_be_used_while_it_runs() {
    let text = r#"(module
      (import "host" "again" (func $again (param i32) (result i32)))
      (memory (export "memory") 1 100)
      (table (export "table") 1 100 funcref)
      (type $s (struct (field i32)))
      (func (export "run") (param $n i32) (result i32)
        (local $before i32) (local $object (ref null $s))
        (local.set $object (struct.new $s (local.get $n)))
        (i32.store (i32.const 100) (local.get $n))
        (local.set $before (i32.load (i32.const 100)))
        (drop (call $again (local.get $n)))
        ;; The memory has moved or grown, and a collection has run.
        (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))
          (local.get $before))
        (i32.add (struct.get $s 0 (local.get $object))
          (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))))))"#;
    for engine in engines() {
        let mut linker = Linker::new(&engine);
        let again = |mut caller: Caller<'_, u32>, n: u32| -> Result<u32, Error> {
            *caller.data_mut() += 1;
            let memory = caller.get_export("memory").and_then(Extern::into_memory);
            memory.expect("an export").grow(&mut caller, 1)?;
            let table = caller.get_export("table").and_then(Extern::into_table);
            table
                .expect("an export")
                .grow(&mut caller, 1, Ref::null_func())?;
            caller.gc();
            let instance = caller.instance().expect("Wasm code has called");
            if n == 0 {
                // A new instance of the same module, in the middle of it all.
                let module = instance.module(&caller);
                let again = Func::wrap(&mut caller, |n: u32| n);
                Instance::new(&mut caller, &module, &[again.into()])?;
                return Ok(0);
            }
            let mut scope = RootScope::new(&mut caller);
            let run = instance.get_typed_func::<u32, u32>(&scope, "run")?;
            let result = run.call(&mut scope, n - 1)?;
            scope.gc();
            Ok(result)
        };
        linker
            .func_wrap("host", "again", again)
            .expect("a new name");
        let module = support::module(&engine, text).expect("a module");
        let mut store = Store::new(&engine, 0);
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let run = instance
            .get_typed_func::<u32, u32>(&store, "run")
            .expect("its type");
        assert_eq!(run.call(&mut store, 20).expect("runs"), 40);
        assert_eq!(*store.data(), 21);
    }
}

/// A host function that calls itself through its store without an end.
#[test]
fn endless_recursion_through_the_host_is_a_trap() {
    for engine in engines() {
        let mut store = Store::new(&engine, None);
        let func = Func::wrap(&mut store, |mut caller: Caller<'_, Option<Func>>| {
            let own = caller.data().expect("set below");
            own.typed::<(), ()>(&caller)?.call(&mut caller, ())
        });
        *store.data_mut() = Some(func);
        let ended = func.invoke(&mut store, &[]).expect_err("a trap");
        assert_eq!(ended.trap_kind(), Some(TrapKind::StackExhausted));
        let works = Func::wrap(&mut store, |n: i32| n);
        assert_eq!(
            works.invoke(&mut store, &[Val::I32(1)]).expect("runs"),
            [Val::I32(1)]
        );
    }
}

/// Bytes of the native stack of an embedder's thread that is far smaller than the default limit.
const SMALL_STACK_BYTES: usize = 128 << 10;

/// Runs a test in a thread with a small native stack, for each engine.
fn on_a_small_stack(test: fn(&Engine)) {
    for engine in engines() {
        let thread = std::thread::Builder::new().stack_size(SMALL_STACK_BYTES);
        let running = thread.spawn(move || test(&engine)).expect("a thread");
        running.join().expect("the test passes");
    }
}

fn exhausted<T: Debug>(result: Result<T, Error>) {
    let ended = result.expect_err("a trap");
    assert_eq!(ended.trap_kind(), Some(TrapKind::StackExhausted), "{ended}");
}

/// Recursion that ends in a trap: within code, by tables, with large frames, through the host, and
/// in the start function of a new instance.
#[test]
fn recursion_on_a_small_native_stack_is_a_trap() {
    on_a_small_stack(|engine| {
        let locals = "i64 ".repeat(2000);
        let text = format!(
            r#"(module
              (import "host" "again" (func $again))
              (type $f (func)) (table 1 funcref) (elem (i32.const 0) $indirect)
              (func (export "direct") (call 1))
              (func $indirect (export "indirect") (call_indirect (type $f) (i32.const 0)))
              (func $large (export "large") (local {locals}) (call $large)
                (local.set 7 (i64.const 1)))
              (func (export "host") (call $again)))"#
        );
        let text = text.replace("(call 1)", "(call $direct)").replace(
            r#"(func (export "direct")"#,
            r#"(func $direct (export "direct")"#,
        );
        let module = support::module(engine, &text).expect("a module");
        let mut linker = Linker::new(engine);
        let again = |mut caller: Caller<'_, u32>| {
            let instance = caller.instance().expect("Wasm code has called");
            let host = instance.get_typed_func::<(), ()>(&caller, "host")?;
            host.call(&mut caller, ())
        };
        linker
            .func_wrap("host", "again", again)
            .expect("a new name");
        let mut store = Store::new(engine, 1);
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        for name in ["direct", "indirect", "large", "host", "direct"] {
            let func = instance.get_func(&store, name).expect("an export");
            exhausted(func.invoke(&mut store, &[]));
        }
        let start = support::module(engine, "(module (func $f (call $f)) (start $f))");
        exhausted(Instance::new(&mut store, &start.expect("a module"), &[]));
        nested_instances(engine);
    });
}

thread_local! {
    /// The host function that instantiates the module whose start function calls it.
    static INSTANTIATES: Cell<Option<Func>> = const { Cell::new(None) };
}

/// An instance whose start function makes the host instantiate the module again, without an end.
fn nested_instances(engine: &Engine) {
    let text = r#"(module (import "host" "more" (func $more)) (func $f (call $more)) (start $f))"#;
    let module = support::module(engine, text).expect("a module");
    let mut store = Store::new(engine, 1);
    let nested = module.clone();
    let more = Func::wrap(&mut store, move |mut caller: Caller<'_, u32>| {
        let more = INSTANTIATES.get().expect("set below");
        Instance::new(&mut caller, &nested, &[more.into()]).map(drop)
    });
    INSTANTIATES.set(Some(more));
    exhausted(Instance::new(&mut store, &module, &[more.into()]));
}

/// The host's own recursion that loads and instantiates at each depth.
#[test]
fn modules_on_a_native_stack_that_is_used_up() {
    fn load(store: &mut Store<u32>, depth: u32) -> Result<(), Error> {
        let module = support::module(&store.engine().clone(), MODULE)?;
        Instance::new(&mut *store, &module, &[])?;
        let frame = std::hint::black_box([depth; 512]);
        load(store, frame[511] + 1)
    }
    fn instantiate(store: &mut Store<u32>, module: &Module, depth: u32) -> Result<(), Error> {
        Instance::new(&mut *store, module, &[])?;
        let frame = std::hint::black_box([depth; 512]);
        instantiate(store, module, frame[511] + 1)
    }
    on_a_small_stack(|engine| {
        let mut store = Store::new(engine, 1);
        exhausted(load(&mut store, 0));
        let module = support::module(engine, MODULE).expect("a module");
        exhausted(instantiate(&mut store, &module, 0));
    });
}

/// A large module is loaded, instantiated and run.
#[test]
fn large_modules_on_a_small_native_stack() {
    on_a_small_stack(|engine| {
        let nested = format!("{}{}", "(block ".repeat(300), ")".repeat(300));
        let sum = "(i32.add (i32.const 1) ".repeat(300) + "(i32.const 0)" + &")".repeat(300);
        let funcs = format!("(func {nested})").repeat(100);
        let text = format!(
            r#"(module (memory 10) (table 10000 funcref)
              (func (export "run") (result i32) {nested} {sum}) {funcs})"#
        );
        let module = support::module(engine, &text).expect("a module");
        let mut store = Store::new(engine, 1);
        let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
        let run = instance.get_typed_func::<(), i32>(&store, "run");
        let run = run.expect("its type");
        assert_eq!(run.call(&mut store, ()).expect("it ends"), 300);
    });
}

fn panicking() {
    panic!("of the host");
}

/// A panic of a host function goes through Wasm code to the caller, and the store works on.
#[test]
fn panics_of_host_functions_reach_the_caller() {
    for engine in engines() {
        let mut store = Store::new(&engine, 1);
        let it = things(&engine, &mut store);
        let panic = Func::wrap(&mut store, panicking);
        let called = catch_unwind(AssertUnwindSafe(|| panic.invoke(&mut store, &[])));
        assert!(called.is_err());
        check_works(&mut store, &it);
    }
}

/// One host function uses two stores at once.
#[test]
fn two_stores_in_one_host_function() {
    for engine in engines() {
        let mut other = Store::new(&engine, 2);
        let theirs = things(&engine, &mut other);
        let other = std::sync::Mutex::new(other);
        let mut own = Store::new(&engine, 1);
        let both = Func::wrap(&mut own, move |mut caller: Caller<'_, u32>| {
            let mut other = other.lock().expect("no panic before");
            refused(
                "Func::invoke",
                theirs.func.invoke(&mut caller, &[Val::I32(1)]),
            );
            panics("Memory::size", || theirs.memory.size(&caller));
            let result = theirs.func.invoke(&mut *other, &[Val::I32(1)])?;
            caller.gc();
            other.gc();
            result[0].i32().ok_or_else(|| Error::msg("an i32"))
        });
        assert_eq!(both.invoke(&mut own, &[]).expect("runs"), [Val::I32(2)]);
    }
}

/// A maximum below the initial size is not that of a type.
#[test]
fn limits_that_contradict_themselves_are_refused() {
    for engine in engines() {
        let mut store = Store::new(&engine, 0);
        let ty = TableType::new(RefType::FUNCREF, 2, Some(1));
        refused("Table::new", Table::new(&mut store, ty, Ref::null_func()));
        let ty = MemoryType::new(2, Some(1));
        refused("Memory::new", Memory::new(&mut store, ty));
        let ty = MemoryType::new(1, Some(1));
        assert_eq!(Memory::new(&mut store, ty).map(|it| it.size(&store)), Ok(1));
    }
}

/// Slices of a shared memory cannot be had; it can be used by stores of several engines.
#[test]
fn shared_memories_give_no_slices() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, MemoryType::new_shared(1, 2)).expect("a memory");
        let mut store = Store::new(&engine, 1);
        let memory = shared.in_store(&mut store).expect("room");
        assert!(catch_unwind(AssertUnwindSafe(|| memory.data(&store).len())).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| memory.data_mut(&mut store).len())).is_err());
        assert!(memory.write(&mut store, 65_535, &[1, 2]).is_err());
        shared_memories_check_their_bounds(&shared);
        drop(store);
        let elsewhere = Engine::new(&Config::new()).expect("a valid configuration");
        let mut store = Store::new(&elsewhere, 2);
        let memory = shared.in_store(&mut store).expect("room");
        assert_eq!(memory.grow(&mut store, 1).expect("room"), 1);
        assert!(memory.grow(&mut store, 1).is_err());
    }
}

/// Every access of the host to a shared memory of one page.
fn shared_memories_check_their_bounds(shared: &SharedMemory) {
    let mut bytes = [0; 2];
    let out_of_bounds = Some(TrapKind::MemoryOutOfBounds);
    let unaligned = Some(TrapKind::UnalignedAtomic);
    let trap = |result: Result<(), Error>| result.expect_err("a trap").trap_kind();
    let soon = Some(Duration::from_millis(1));
    for at in [65_535, 65_536, usize::MAX] {
        assert_eq!(trap(shared.read(at, &mut bytes)), out_of_bounds);
        assert_eq!(trap(shared.write(at, &bytes)), out_of_bounds);
    }
    let notify = |at| trap(shared.atomic_notify(at, 1).map(drop));
    let wait32 = |at| trap(shared.atomic_wait32(at, 0, soon).map(drop));
    let wait64 = |at| trap(shared.atomic_wait64(at, 0, soon).map(drop));
    for at in [65_536, u64::MAX - 7] {
        let traps = [notify(at), wait32(at), wait64(at)];
        assert_eq!(traps, [out_of_bounds; 3], "{at}");
    }
    for at in [1, 65_537, u64::MAX] {
        let traps = [notify(at), wait32(at), wait64(at)];
        assert_eq!(traps, [unaligned; 3], "{at}");
    }
    assert_eq!(wait64(4), unaligned);
    assert!(shared.grow(u64::MAX).is_err() && shared.grow(2).is_err());
    assert_eq!((shared.size(), shared.data().len()), (1, 65_536));
    for name in [
        "atomic_notify",
        "atomic_wait32",
        "atomic_wait64",
        "grow",
        "read",
        "write",
    ] {
        NAMED.with_borrow_mut(|named| named.insert(format!("SharedMemory::{name}").leak()));
    }
}

#[test]
fn numbers_of_the_host_are_any() {
    assert_eq!(
        Val::from(ExternRef::from_number(u32::MAX)).unwrap_extern_ref(),
        Some(ExternRef::from_number(u32::MAX))
    );
    assert!(i32::try_from(Val::I64(1)).is_err());
    assert!(Func::try_from(Val::Ref(Ref::null_func())).is_err());
}

// --- the list of methods ------------------------------------------------------------------------

/// Types whose methods take handles or stores, as they are named in `impl`.
const TYPES: &[&str] = &[
    "$name",
    "AnyRef",
    "ArrayRef",
    "ArrayType",
    "StructRef",
    "StructType",
    "Caller",
    "Exception",
    "Extern",
    "Func",
    "Global",
    "Instance",
    "Linker",
    "Memory",
    "RootMark",
    "RootScope",
    "SharedMemory",
    "Store",
    "StoreContext",
    "StoreContextMut",
    "Table",
    "Tag",
    "TypedFunc",
];

/// The public methods in a source of the facade, each with its type: `Memory::read`.
fn methods(source: &str) -> Vec<String> {
    let (mut found, mut of_type) = (Vec::new(), String::new());
    for line in source.lines() {
        let is_head = line.starts_with("impl") || line.starts_with("        impl");
        if is_head && !line.contains(" for ") {
            of_type = match line.split("impl").nth(1).map(str::trim_start) {
                Some(rest) if rest.starts_with('<') => after_generics(rest).to_owned(),
                Some(rest) => rest.to_owned(),
                None => String::new(),
            };
        }
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("pub fn ")
            && !of_type.is_empty()
        {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            let ty = of_type.split(['<', ' ']).next().unwrap_or_default();
            // Macros: methods of all stores, and the conversions of `Extern`.
            let ty = if ty == "$ty" { "store" } else { ty };
            let name = name.trim_start_matches('$');
            found.push(format!("{ty}::{name}"));
        }
    }
    found
}

/// What follows the generics at the start of a text.
fn after_generics(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !text[..at].ends_with('-') => depth -= 1,
            _other => {}
        }
        if depth == 0 {
            return text[at + 1..].trim_start();
        }
    }
    ""
}

#[test]
fn every_public_method_is_tested() {
    // In this thread, so that the names are all here.
    handles_of_another_store_are_refused();
    scopes_of_another_store_or_out_of_order_do_no_harm();
    shared_memories_give_no_slices();
    let named = NAMED.with_borrow(Clone::clone);
    let harmless: BTreeSet<&str> = HARMLESS
        .iter()
        .flat_map(|(_reason, names)| names.split_whitespace())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the facade's sources") {
        let source = fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        let of_handles = |name: &String| {
            let ty = name.split("::").next().unwrap_or_default();
            ty == "store" || TYPES.contains(&ty)
        };
        seen.extend(methods(&source).into_iter().filter(of_handles));
    }
    assert!(seen.len() > 50, "the sources are read: {seen:?}");
    let is_known =
        |name: &&String| !named.contains(name.as_str()) && !harmless.contains(name.as_str());
    let missing: Vec<_> = seen.iter().filter(is_known).collect();
    assert!(
        missing.is_empty(),
        "no test of misuse, and no row of HARMLESS: {missing:?}"
    );
    let gone: Vec<_> = harmless
        .iter()
        .filter(|name| !seen.contains(**name))
        .collect();
    assert!(
        gone.is_empty(),
        "rows of HARMLESS that no method needs: {gone:?}"
    );
}
