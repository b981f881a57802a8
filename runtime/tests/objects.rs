//! Structures, arrays and numbers of 31 bits as typed values of the host, in every tier: the host
//! makes what code reads, and reads what code makes, while collections run at each allocation.

use wassay_runtime::{
    AbstractHeapType, AnyRef, ArrayRef, ArrayRefPre, ArrayType, Caller, Config, Engine, Error,
    ErrorKind, ExternRef, FieldType, Func, HeapType, I31, Instance, Linker, Mutability, Ref,
    RefType, RootScope, StorageType, Store, StructRef, StructRefPre, StructType, Thresholds, Tier,
    TrapKind, Val, ValType,
};

#[path = "../examples/support/mod.rs"]
mod support;

/// The engines to test: each tier that runs here, with a collection at each allocation.
fn engines() -> Vec<Engine> {
    let mut configs = vec![Config::only(Tier::Stack), Config::only(Tier::Register)];
    if cfg!(target_arch = "aarch64") {
        configs.push(*Config::new().tiers(Thresholds::both(1)));
        configs.push(Config::only(Tier::Jit));
    }
    let engine = |config: &mut Config| {
        config.testing().gc_stress(true);
        Engine::new(config).expect("the tier runs here")
    };
    configs.iter_mut().map(engine).collect()
}

const FIELDS: &str = "(field (mut i8)) (field (mut i16)) (field (mut i32)) (field (mut i64))
    (field (mut f32)) (field (mut f64)) (field (mut v128)) (field (mut anyref))
    (field (mut funcref)) (field (mut externref)) (field i32)";

fn field(storage: StorageType) -> FieldType {
    FieldType::new(Mutability::Var, storage)
}

fn reference(heap: AbstractHeapType) -> StorageType {
    StorageType::Val(ValType::Ref(RefType::nullable(heap)))
}

/// The fields of `FIELDS`.
fn fields() -> Vec<FieldType> {
    let numbers = [
        ValType::I32,
        ValType::I64,
        ValType::F32,
        ValType::F64,
        ValType::V128,
    ];
    let mut fields = vec![StorageType::I8, StorageType::I16];
    fields.extend(numbers.map(StorageType::Val));
    fields.extend([
        reference(AbstractHeapType::Any),
        reference(AbstractHeapType::Func),
        reference(AbstractHeapType::Extern),
    ]);
    let mut fields: Vec<FieldType> = fields.into_iter().map(field).collect();
    fields.push(FieldType::new(
        Mutability::Const,
        StorageType::Val(ValType::I32),
    ));
    fields
}

/// A type of the host and the same type of a module are one; every kind of field is written by the
/// one and read by the other.
#[test]
fn fields_of_every_kind_go_both_ways() {
    let text = format!(
        r#"(module (type $s (struct {FIELDS}))
      (func (export "copy") (param $o (ref $s)) (result (ref $s))
        (struct.new $s (struct.get_s $s 0 (local.get $o)) (struct.get_u $s 1 (local.get $o))
          (struct.get $s 2 (local.get $o)) (struct.get $s 3 (local.get $o))
          (struct.get $s 4 (local.get $o)) (struct.get $s 5 (local.get $o))
          (struct.get $s 6 (local.get $o)) (struct.get $s 7 (local.get $o))
          (struct.get $s 8 (local.get $o)) (struct.get $s 9 (local.get $o))
          (struct.get $s 10 (local.get $o)))))"#
    );
    for engine in engines() {
        let module = support::module(&engine, &text).expect("a module");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
        let copy = instance.get_func(&store, "copy").expect("an export");
        let ty = StructType::new(&engine, fields()).expect("types of the engine");
        let ValType::Ref(parameter) = copy.ty(&store).params()[0] else {
            panic!("the parameter is a reference");
        };
        assert_eq!(parameter.heap_type(), HeapType::from(&ty));
        let pre = StructRefPre::new(&mut store, ty.clone()).expect("its engine");
        let func = Func::wrap(&mut store, || 1);
        let inner = AnyRef::from(I31::wrapping_i32(-3));
        let mut values = vec![
            Val::I32(0xfe),
            Val::I32(0xfffe),
            Val::I32(-5),
            Val::I64(i64::MIN),
            Val::F32(0x7fc0_1234),
            Val::F64(1),
            Val::V128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            Val::from(inner),
            Val::from(func),
            Val::from(ExternRef::convert_any(inner)),
            Val::I32(11),
        ];
        let object = StructRef::new(&mut store, &pre, &values).expect("room");
        let copied = copy.invoke(&mut store, &[object.into()]).expect("it ends")[0];
        let copied = copied
            .unwrap_any_ref()
            .and_then(AnyRef::as_struct)
            .expect("a structure");
        assert_ne!(copied, object);
        assert_eq!(copied.ty(&store).expect("alive"), ty);
        assert!(
            copied
                .fields(&mut store)
                .expect("alive")
                .eq(values.iter().copied())
        );
        // A typed call checks an argument whose type is wider than the parameter's.
        let typed = copy
            .typed::<StructRef, StructRef>(&store)
            .expect("structures are wider");
        let again = typed.call(&mut store, copied).expect("it ends");
        assert!(
            again
                .fields(&mut store)
                .expect("alive")
                .eq(values.iter().copied())
        );
        let empty = StructType::new(&engine, []).expect("types of the engine");
        let pre = StructRefPre::new(&mut store, empty).expect("its engine");
        let empty = StructRef::new(&mut store, &pre, &[]).expect("room");
        let error = typed.call(&mut store, empty).expect_err("another type");
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(copy.typed::<ArrayRef, StructRef>(&store).is_err());
        assert!(copy.typed::<Option<StructRef>, StructRef>(&store).is_err());
        // An object refers to itself; a packed field keeps its low bits.
        values[7] = Val::from(copied);
        for (index, &value) in values.iter().enumerate().take(10) {
            copied.set_field(&mut store, index, value).expect("mutable");
        }
        copied
            .set_field(&mut store, 0, Val::I32(0x1_ff01))
            .expect("mutable");
        values[0] = Val::I32(1);
        store.gc();
        assert!(
            copied
                .fields(&mut store)
                .expect("alive")
                .eq(values.iter().copied())
        );
    }
}

/// Elements of each width, made at once and one by one, read by code.
#[test]
fn arrays_of_every_width() {
    let widths = [
        ("i8", StorageType::I8, Val::I32(0x85)),
        ("i16", StorageType::I16, Val::I32(0x8123)),
        ("i32", StorageType::Val(ValType::I32), Val::I32(-7)),
        ("i64", StorageType::Val(ValType::I64), Val::I64(-8)),
        (
            "v128",
            StorageType::Val(ValType::V128),
            Val::V128(5 << 100 | 3),
        ),
        (
            "anyref",
            reference(AbstractHeapType::Any),
            Val::from(I31::wrapping_u32(9)),
        ),
    ];
    for engine in engines() {
        for (name, storage, value) in widths {
            let (get, result) = match name {
                "i8" | "i16" => ("array.get_u", "i32"),
                _ => ("array.get", name),
            };
            let text = format!(
                r#"(module (type $a (array (mut {name})))
              (func (export "get") (param (ref $a) i32) (result {result})
                ({get} $a (local.get 0) (local.get 1)))
              (func (export "fill") (param $to (ref $a)) (param $from (ref $a))
                (array.fill $a (local.get $to) (i32.const 1)
                  ({get} $a (local.get $from) (i32.const 2)) (i32.const 3))))"#
            );
            let module = support::module(&engine, &text).expect("a module");
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
            let ty = ArrayType::new(&engine, field(storage)).expect("types of the engine");
            let pre = ArrayRefPre::new(&mut store, ty.clone()).expect("its engine");
            let zero = match storage {
                StorageType::Val(ty) => Val::default_of(ty).expect("a default"),
                _ => Val::I32(0),
            };
            let same = ArrayRef::new(&mut store, &pre, &value, 50).expect("room");
            let fixed = ArrayRef::new_fixed(&mut store, &pre, &[zero; 5]).expect("room");
            let empty = ArrayRef::new_fixed(&mut store, &pre, &[]).expect("room");
            assert_eq!(empty.len(&store).expect("alive"), 0);
            assert_eq!(same.ty(&store).expect("alive"), ty);
            let get = instance.get_func(&store, "get").expect("an export");
            let at = [same.into(), Val::I32(49)];
            assert_eq!(
                get.invoke(&mut store, &at).expect("it ends"),
                [value],
                "{name}"
            );
            assert_eq!(same.len(&store).expect("alive"), 50);
            let fill = instance.get_func(&store, "fill").expect("an export");
            let both = [fixed.into(), same.into()];
            fill.invoke(&mut store, &both).expect("it ends");
            let seen: Vec<Val> = fixed.elems(&mut store).expect("alive").collect();
            assert_eq!(seen, [zero, value, value, value, zero], "{name}");
            fixed.set(&mut store, 0, value).expect("in bounds");
            assert_eq!(
                fixed.get(&mut store, 0).expect("in bounds"),
                value,
                "{name}"
            );
        }
    }
}

/// A host function makes lists while code runs that holds objects in its frames; typed parameters
/// and results are objects.
#[test]
fn host_functions_make_objects_while_code_runs() {
    let text = r#"(module
      (type $node (struct (field $value i32) (field $next (mut anyref))))
      (import "host" "push" (func $push (param structref i32) (result (ref struct))))
      (import "host" "sum" (func $sum (param structref) (result i31ref)))
      (func (export "run") (param $n i32) (result i32) (local $list structref)
        (local.set $list (struct.new $node (i32.const 1000) (ref.null any)))
        (loop $more
          (local.set $list (call $push (local.get $list) (local.get $n)))
          (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i31.get_s (call $sum (local.get $list)))))"#;
    for engine in engines() {
        let any = field(reference(AbstractHeapType::Any));
        let number = FieldType::new(Mutability::Const, StorageType::Val(ValType::I32));
        let node = StructType::new(&engine, [number, any]).expect("types of the engine");
        let mut linker: Linker<StructType> = Linker::new(&engine);
        let push = |mut caller: Caller<'_, StructType>, list: Option<StructRef>, n: i32| {
            let ty = caller.data().clone();
            let pre = StructRefPre::new(&mut caller, ty)?;
            let next = list.map_or(Ref::null_any(), Ref::from);
            StructRef::new(&mut caller, &pre, &[n.into(), next.into()])
        };
        let sum = |mut caller: Caller<'_, StructType>, mut list: Option<StructRef>| {
            let mut sum = 0;
            while let Some(node) = list {
                sum += i32::try_from(node.field(&mut caller, 0)?)?;
                let next: Option<AnyRef> = node.field(&mut caller, 1)?.try_into()?;
                list = next.and_then(AnyRef::as_struct);
            }
            Ok::<Option<I31>, Error>(I31::new_i32(sum))
        };
        linker.func_wrap("host", "push", push).expect("a new name");
        linker.func_wrap("host", "sum", sum).expect("a new name");
        let module = support::module(&engine, text).expect("a module");
        let mut store = Store::new(&engine, node);
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let run = instance
            .get_typed_func::<i32, i32>(&store, "run")
            .expect("its type");
        assert_eq!(run.call(&mut store, 100).expect("it ends"), 6050);
    }
}

/// An external reference of a typed host function may be an internal one that was converted.
#[test]
fn external_references_of_every_kind_reach_typed_functions() {
    let text = r#"(module
      (import "host" "same" (func $same (param externref) (result externref)))
      (type $s (struct (field i32)))
      (func (export "run") (result i32)
        (struct.get $s 0 (ref.cast (ref $s) (any.convert_extern
          (call $same (extern.convert_any (struct.new $s (i32.const 8)))))))))"#;
    for engine in engines() {
        let mut linker: Linker<()> = Linker::new(&engine);
        linker
            .func_wrap("host", "same", |it: Option<ExternRef>| it)
            .expect("a new name");
        let module = support::module(&engine, text).expect("a module");
        let mut store = Store::new(&engine, ());
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let run = instance
            .get_typed_func::<(), i32>(&store, "run")
            .expect("its type");
        assert_eq!(run.call(&mut store, ()).expect("it ends"), 8);
    }
}

/// Objects of the host are freed when nothing holds them, and the heap's limit is a trap.
#[test]
fn objects_of_the_host_are_collected() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let ty = ArrayType::new(&engine, field(StorageType::I8)).expect("types of the engine");
        let pre = ArrayRefPre::new(&mut store, ty).expect("its engine");
        let mut scope = RootScope::new(&mut store);
        for _ in 0..20 {
            ArrayRef::new(&mut scope, &pre, &Val::I32(1), 1000).expect("room");
        }
        assert_eq!(scope.gc_statistics().objects(), 20);
        drop(scope);
        store.gc();
        assert_eq!(store.gc_statistics().objects(), 0);
        let ended = ArrayRef::new(&mut store, &pre, &Val::I32(1), u32::MAX).expect_err("a trap");
        assert_eq!(ended.trap_kind(), Some(TrapKind::HeapExhausted));
    }
}

#[test]
fn numbers_of_31_bits() {
    for (value, fits) in [
        (0, true),
        (1 << 30, false),
        (-(1 << 30), true),
        (i32::MIN, false),
    ] {
        assert_eq!(I31::new_i32(value).map(I31::get_i32), fits.then_some(value));
    }
    assert_eq!(I31::wrapping_i32(-1).get_u32(), u32::MAX >> 1);
    assert_eq!(I31::wrapping_u32(1 << 30).get_i32(), -(1 << 30));
    assert_eq!(I31::new_u32(1 << 31), None);
}
