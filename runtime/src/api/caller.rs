//! The borrow of a store that a host function gets.

use super::context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
use crate::store::{Extern, Instance, StoreData};
use crate::vm::{FuncInst, Vm};

/// The store while one of its host functions runs, with the instance that has called it.
///
/// A caller is a context like the [`Store`](crate::Store) itself: it is enough to call functions,
/// to read memories and to make exceptions. Objects that the function comes to hold are released
/// when it returns.
///
/// ```
/// use wassay_runtime::{Caller, Config, Engine, Error, Linker, Module, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "print", |mut caller: Caller<'_, String>, at: u32, len: u32| {
///     let memory = caller.get_export("memory").and_then(|it| it.into_memory());
///     let memory = memory.ok_or_else(|| Error::msg("the caller exports no memory"))?;
///     let mut bytes = vec![0; len as usize];
///     memory.read(&caller, at as usize, &mut bytes)?;
///     *caller.data_mut() += &String::from_utf8_lossy(&bytes);
///     Ok::<(), Error>(())
/// })?;
/// # let wat = r#"(module (import "host" "print" (func $print (param i32 i32)))
/// #     (memory (export "memory") 1) (data (i32.const 3) "hello")
/// #     (func (export "run") (call $print (i32.const 3) (i32.const 5))))"#;
/// # let mut text = wast::parser::ParseBuffer::new(wat).unwrap();
/// # let bytes = wast::parser::parse::<wast::Wat<'_>>(&text).unwrap().encode().unwrap();
/// let module = Module::new(&engine, &bytes)?;
/// let mut store = Store::new(&engine, String::new());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// assert_eq!(store.data(), "hello");
/// # Ok::<(), Error>(())
/// ```
pub struct Caller<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    importer: *mut Vm,
}

impl<'a, T: 'static> Caller<'a, T> {
    /// The caller of a host function.
    ///
    /// # Safety
    /// `data` is the interior of a live `Store<T>`, whose running code is suspended for `'a`;
    /// `func` is a function of it.
    #[inline]
    pub(super) unsafe fn new(data: *mut StoreData, func: *mut FuncInst) -> Caller<'a, T> {
        // SAFETY: the caller's contract.
        unsafe {
            Caller {
                store: StoreContextMut::suspended(data),
                importer: (*func).importer,
            }
        }
    }

    /// The instance that has imported the function and called it. `None` if the host has called it,
    /// or code by a reference that the host has made.
    pub fn instance(&self) -> Option<Instance> {
        if self.importer.is_null() {
            return None;
        }
        Some(Instance {
            store: self.store.state().id,
            // SAFETY: instances live as long as their store.
            index: unsafe { (*self.importer).instance },
        })
    }

    /// The calling instance's export of that name.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        let instance = self.instance()?;
        self.store.state().instance(instance).export(name)
    }
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}
