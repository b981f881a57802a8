//! Value, reference and defined types, with their canonical identity and subtyping.
//!
//! Every module's type section is interned here, recursion group by recursion group, so that two
//! types are equivalent (spec: "Type Equivalence", iso-recursive) exactly if their [`TypeId`]s are
//! equal. Each defined type carries its *display*, the chain of its supertypes from the root, so
//! that a subtype test between defined types is one load and one compare.
//!
//! Invariants: ids are dense and never freed while the registry lives; a display's length is the
//! type's depth plus one and its last entry is the type itself.

mod layout;

pub use layout::{EXCEPTION_HEADER_BYTES, FieldLayout, Layout, OBJECT_HEADER_BYTES};

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// A value type (spec: "Types / Value Types").
///
/// ```
/// use wassay_runtime::{RefType, ValType};
///
/// assert_eq!(ValType::I32.to_string(), "i32");
/// assert_eq!(ValType::Ref(RefType::FUNCREF).to_string(), "funcref");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

/// A reference type: a heap type, with or without null.
///
/// ```
/// use wassay_runtime::{AbstractHeapType, RefType};
///
/// assert_eq!(RefType::EXTERNREF, RefType::nullable(AbstractHeapType::Extern));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefType {
    /// True if null belongs to the type.
    pub(crate) nullable: bool,
    /// The type of the referent.
    pub(crate) heap: HeapType,
}

/// A heap type.
///
/// ```
/// use wassay_runtime::{AbstractHeapType, HeapType, RefType};
///
/// assert_eq!(RefType::FUNCREF.heap_type(), HeapType::Abstract(AbstractHeapType::Func));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeapType {
    /// One of the built-in types.
    Abstract(AbstractHeapType),
    /// A defined type or any subtype of it.
    Concrete(TypeRef),
    /// A defined type and no subtype (custom descriptors).
    Exact(TypeRef),
}

/// A reference to a defined type, with the hierarchy it is in so that its top is known at sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeRef {
    /// The canonical type; inside the key of a recursion group, possibly a position in it.
    pub(crate) id: TypeId,
    /// The kind of the composite type.
    pub(crate) kind: CompositeKind,
}

/// The canonical id of a defined type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TypeId(pub(crate) u32);

impl TypeId {
    /// Marks a position inside the recursion group that is being interned.
    const IN_GROUP: u32 = 1 << 31;

    /// The `n`th type of the recursion group that is being interned.
    pub fn in_group(n: u32) -> TypeId {
        TypeId(n | Self::IN_GROUP)
    }

    /// The position in the group, for an id made by [`TypeId::in_group`].
    fn group_position(self) -> Option<u32> {
        (self.0 & Self::IN_GROUP != 0).then_some(self.0 & !Self::IN_GROUP)
    }
}

/// The three kinds of composite types (and continuations, which are only parsed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompositeKind {
    /// A function type.
    Func,
    /// A structure type.
    Struct,
    /// An array type.
    Array,
    /// A continuation type (stack switching).
    Cont,
}

/// Passes on the built-in heap types: the name, the name in the text format, the code in the binary
/// format (spec: 5.3.3 Heap Types), the top of the hierarchy.
macro_rules! for_each_abstract_heap_type {
    ($rows:ident) => {
        $rows! {
            Func "func" 0x70 Func;
            NoFunc "nofunc" 0x73 Func;
            Extern "extern" 0x6F Extern;
            NoExtern "noextern" 0x72 Extern;
            Any "any" 0x6E Any;
            Eq "eq" 0x6D Any;
            I31 "i31" 0x6C Any;
            Struct "struct" 0x6B Any;
            Array "array" 0x6A Any;
            None "none" 0x71 Any;
            Exn "exn" 0x69 Exn;
            NoExn "noexn" 0x74 Exn;
            Cont "cont" 0x68 Cont;
            NoCont "nocont" 0x75 Cont;
        }
    };
}
pub(crate) use for_each_abstract_heap_type;

macro_rules! define_abstract_heap_types {
    ($($name:ident $text:literal $code:literal $top:ident;)*) => {
        /// The built-in heap types.
        ///
        /// ```
        /// use wassay_runtime::AbstractHeapType;
        ///
        /// assert!(AbstractHeapType::I31.is_subtype_of(AbstractHeapType::Eq));
        /// assert_eq!(AbstractHeapType::Struct.top(), AbstractHeapType::Any);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum AbstractHeapType { $(#[doc = concat!("`", $text, "`")] $name,)* }

        impl AbstractHeapType {
            /// The top of the hierarchy.
            pub fn top(self) -> AbstractHeapType {
                match self { $(AbstractHeapType::$name => AbstractHeapType::$top,)* }
            }

            /// The name in the text format.
            pub fn name(self) -> &'static str {
                match self { $(AbstractHeapType::$name => $text,)* }
            }

            /// The type of a code in the binary format.
            pub(crate) fn from_code(code: u8) -> Option<AbstractHeapType> {
                match code {
                    $($code => Some(AbstractHeapType::$name),)*
                    _ => None,
                }
            }
        }
    };
}

for_each_abstract_heap_type!(define_abstract_heap_types);

impl AbstractHeapType {
    /// True if the type is the bottom of its hierarchy.
    pub fn is_bottom(self) -> bool {
        use AbstractHeapType as A;
        matches!(
            self,
            A::NoFunc | A::NoExtern | A::None | A::NoExn | A::NoCont
        )
    }

    /// Spec: "Matching / Heap Types" among the built-in types.
    pub fn is_subtype_of(self, other: AbstractHeapType) -> bool {
        use AbstractHeapType as A;
        self == other
            || other == self.top()
            || (self.is_bottom() && self.top() == other.top())
            || (other == A::Eq && matches!(self, A::I31 | A::Struct | A::Array))
    }
}

impl CompositeKind {
    /// The built-in type just above all types of this kind.
    pub fn abstract_type(self) -> AbstractHeapType {
        match self {
            CompositeKind::Func => AbstractHeapType::Func,
            CompositeKind::Struct => AbstractHeapType::Struct,
            CompositeKind::Array => AbstractHeapType::Array,
            CompositeKind::Cont => AbstractHeapType::Cont,
        }
    }
}

impl HeapType {
    /// The top of the hierarchy that the type is in.
    pub fn top(self) -> AbstractHeapType {
        match self {
            HeapType::Abstract(a) => a.top(),
            HeapType::Concrete(r) | HeapType::Exact(r) => r.kind.abstract_type().top(),
        }
    }

    fn map_ids(self, f: &impl Fn(TypeId) -> TypeId) -> HeapType {
        let map = |r: TypeRef| TypeRef { id: f(r.id), ..r };
        match self {
            HeapType::Abstract(a) => HeapType::Abstract(a),
            HeapType::Concrete(r) => HeapType::Concrete(map(r)),
            HeapType::Exact(r) => HeapType::Exact(map(r)),
        }
    }
}

impl RefType {
    /// `funcref`.
    pub const FUNCREF: RefType = RefType::nullable(AbstractHeapType::Func);
    /// `externref`.
    pub const EXTERNREF: RefType = RefType::nullable(AbstractHeapType::Extern);

    /// The type of references to `heap`, with null or without.
    pub const fn new(nullable: bool, heap: HeapType) -> RefType {
        RefType { nullable, heap }
    }

    /// True if null belongs to the type.
    pub const fn is_nullable(self) -> bool {
        self.nullable
    }

    /// The type of the referent.
    pub const fn heap_type(self) -> HeapType {
        self.heap
    }

    /// `(ref null a)` for a built-in type.
    pub const fn nullable(a: AbstractHeapType) -> RefType {
        RefType {
            nullable: true,
            heap: HeapType::Abstract(a),
        }
    }
}

impl ValType {
    fn map_ids(self, f: &impl Fn(TypeId) -> TypeId) -> ValType {
        match self {
            ValType::Ref(r) => ValType::Ref(RefType {
                heap: r.heap.map_ids(f),
                ..r
            }),
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::V128 => self,
        }
    }
}

/// A function type: `params -> results`.
///
/// ```
/// use wassay_runtime::{FuncType, ValType};
///
/// let ty = FuncType::new([ValType::I32], [ValType::I64]);
/// assert_eq!(ty.params(), [ValType::I32]);
/// assert_eq!(ty.results(), [ValType::I64]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct FuncType {
    pub(crate) params: Box<[ValType]>,
    pub(crate) results: Box<[ValType]>,
}

impl FuncType {
    /// A function type from its parameters and results.
    ///
    /// ```
    /// use wassay_runtime::{FuncType, ValType};
    ///
    /// let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::F32]);
    /// assert_eq!(ty.to_string(), "[i32 i64] -> [f32]");
    /// ```
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        FuncType {
            params: params.into_iter().collect(),
            results: results.into_iter().collect(),
        }
    }

    /// The parameter types.
    pub fn params(&self) -> &[ValType] {
        &self.params
    }

    /// The result types.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }
}

/// The storage of a field or of an array element.
///
/// ```
/// use wassay_runtime::{StorageType, ValType};
///
/// assert_ne!(StorageType::I16, StorageType::Val(ValType::I32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// A packed 8-bit integer.
    I8,
    /// A packed 16-bit integer.
    I16,
    /// A value.
    Val(ValType),
}

impl StorageType {
    /// The number of slots of a value outside of the object.
    pub fn slots(self) -> u32 {
        match self {
            StorageType::Val(ValType::V128) => 2,
            StorageType::I8 | StorageType::I16 | StorageType::Val(_) => 1,
        }
    }
}

/// The type of a structure's field or of an array's elements.
///
/// ```
/// use wassay_runtime::{FieldType, Mutability, StorageType};
///
/// let ty = FieldType::new(Mutability::Var, StorageType::I8);
/// assert_eq!((ty.mutability(), ty.element_type()), (Mutability::Var, StorageType::I8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// The type of the stored value.
    pub(crate) storage: StorageType,
    /// True if the field can be written.
    pub(crate) mutable: bool,
}

/// A composite type (spec: "Types / Composite Types").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// A function.
    Func(Arc<FuncType>),
    /// A structure.
    Struct(Arc<[FieldType]>),
    /// An array.
    Array(FieldType),
    /// A continuation of a function type.
    Cont(TypeId),
}

/// A defined type (spec: "Types / Recursive Types").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// True if no subtype may be declared.
    pub is_final: bool,
    /// The declared supertype.
    pub supertype: Option<TypeId>,
    /// The composite type.
    pub composite: CompositeType,
    /// True if the type is shared between threads.
    pub shared: bool,
    /// The type of its descriptor (custom descriptors).
    pub descriptor: Option<TypeId>,
    /// The type that it describes (custom descriptors).
    pub describes: Option<TypeId>,
}

impl SubType {
    fn map_ids(&self, f: &impl Fn(TypeId) -> TypeId) -> SubType {
        let field = |field: FieldType| FieldType {
            storage: match field.storage {
                StorageType::Val(ty) => StorageType::Val(ty.map_ids(f)),
                StorageType::I8 | StorageType::I16 => field.storage,
            },
            ..field
        };
        let vals = |types: &[ValType]| types.iter().map(|ty| ty.map_ids(f)).collect();
        let composite = match &self.composite {
            CompositeType::Func(ty) => CompositeType::Func(Arc::new(FuncType {
                params: vals(&ty.params),
                results: vals(&ty.results),
            })),
            CompositeType::Struct(fields) => {
                CompositeType::Struct(fields.iter().map(|&x| field(x)).collect())
            }
            CompositeType::Array(element) => CompositeType::Array(field(*element)),
            CompositeType::Cont(id) => CompositeType::Cont(f(*id)),
        };
        SubType {
            composite,
            supertype: self.supertype.map(f),
            descriptor: self.descriptor.map(f),
            describes: self.describes.map(f),
            is_final: self.is_final,
            shared: self.shared,
        }
    }
}

impl CompositeType {
    /// The kind of the composite type.
    pub fn kind(&self) -> CompositeKind {
        match self {
            CompositeType::Func(_) => CompositeKind::Func,
            CompositeType::Struct(_) => CompositeKind::Struct,
            CompositeType::Array(_) => CompositeKind::Array,
            CompositeType::Cont(_) => CompositeKind::Cont,
        }
    }
}

/// A canonical defined type as the registry keeps it.
#[derive(Debug)]
pub struct DefinedType {
    /// The type, with canonical ids throughout.
    pub sub: SubType,
    /// Its supertypes from the root down to itself.
    pub display: Box<[TypeId]>,
    /// The layout of its objects in the heap.
    pub layout: Layout,
}

impl DefinedType {
    /// Its canonical id.
    pub fn id(&self) -> TypeId {
        self.display[self.display.len() - 1]
    }
}

/// The types of one engine. Cheap to share; interning takes a write lock.
#[derive(Debug, Default)]
pub struct TypeRegistry {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The id of the first member of each known recursion group.
    groups: HashMap<Box<[SubType]>, u32>,
    types: Vec<Arc<DefinedType>>,
}

impl TypeRegistry {
    /// Interns a recursion group whose members name each other by [`TypeId::in_group`] and
    /// earlier types by their canonical ids. Returns the canonical ids of its members.
    pub fn intern(&self, group: Vec<SubType>) -> Vec<TypeId> {
        let len = group.len() as u32;
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let known = inner.groups.get(group.as_slice()).copied();
        let first = known.unwrap_or_else(|| inner.add(group));
        (first..first + len).map(TypeId).collect()
    }

    /// Interns a final type without a supertype that refers to canonical types only.
    pub fn intern_alone(&self, composite: CompositeType) -> TypeId {
        self.intern(vec![SubType {
            is_final: true,
            supertype: None,
            composite,
            shared: false,
            descriptor: None,
            describes: None,
        }])[0]
    }

    /// As [`TypeRegistry::intern_alone`], a function type.
    pub fn intern_func(&self, ty: FuncType) -> TypeId {
        self.intern_alone(CompositeType::Func(Arc::new(ty)))
    }

    /// The defined type of an id of this registry.
    pub fn get(&self, id: TypeId) -> Arc<DefinedType> {
        self.read().types[id.0 as usize].clone()
    }

    /// True if the defined type that a value type names is one of this registry, of that kind.
    pub fn knows(&self, ty: ValType) -> bool {
        let ValType::Ref(RefType {
            heap: HeapType::Concrete(named) | HeapType::Exact(named),
            ..
        }) = ty
        else {
            return true;
        };
        let inner = self.read();
        let known = inner.types.get(named.id.0 as usize);
        known.is_some_and(|known| known.sub.composite.kind() == named.kind)
    }

    /// The defined types from `first` on, in order of their ids.
    pub fn since(&self, first: usize) -> Vec<Arc<DefinedType>> {
        self.read().types[first..].to_vec()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The function type of an id that is one.
    pub fn func(&self, id: TypeId) -> Arc<FuncType> {
        match &self.get(id).sub.composite {
            CompositeType::Func(ty) => ty.clone(),
            CompositeType::Struct(_) | CompositeType::Array(_) | CompositeType::Cont(_) => {
                Arc::default()
            }
        }
    }

    /// True if defined type `a` is `b` or a declared subtype of it.
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        if a == b {
            return true;
        }
        let depth = self.get(b).display.len() - 1;
        self.get(a).display.get(depth) == Some(&b)
    }

    /// Spec: "Matching / Heap Types".
    pub fn heap_matches(&self, a: HeapType, b: HeapType) -> bool {
        use HeapType as H;
        match (a, b) {
            (H::Abstract(x), H::Abstract(y)) => x.is_subtype_of(y),
            (H::Concrete(x) | H::Exact(x), H::Abstract(y)) => {
                x.kind.abstract_type().is_subtype_of(y)
            }
            (H::Abstract(x), H::Concrete(y) | H::Exact(y)) => {
                x.is_bottom() && x.top() == y.kind.abstract_type().top()
            }
            (H::Concrete(x) | H::Exact(x), H::Concrete(y)) => self.is_subtype(x.id, y.id),
            (H::Exact(x), H::Exact(y)) => x.id == y.id,
            (H::Concrete(_), H::Exact(_)) => false,
        }
    }

    /// Spec: "Matching / Value Types".
    pub fn matches(&self, a: ValType, b: ValType) -> bool {
        match (a, b) {
            (ValType::Ref(a), ValType::Ref(b)) => self.ref_matches(a, b),
            (a, b) => a == b,
        }
    }

    /// Spec: "Matching / Reference Types".
    pub fn ref_matches(&self, a: RefType, b: RefType) -> bool {
        (b.nullable || !a.nullable) && self.heap_matches(a.heap, b.heap)
    }
}

impl Inner {
    /// Adds a group that is not known yet; returns the id of its first member.
    fn add(&mut self, group: Vec<SubType>) -> u32 {
        let first = self.types.len() as u32;
        let canonical = |id: TypeId| id.group_position().map_or(id, |n| TypeId(first + n));
        for (n, member) in group.iter().enumerate() {
            let sub = member.map_ids(&canonical);
            let id = TypeId(first + n as u32);
            let mut display = match sub.supertype {
                Some(parent) => self.types[parent.0 as usize].display.to_vec(),
                None => Vec::new(),
            };
            display.push(id);
            self.types.push(Arc::new(DefinedType {
                layout: Layout::of(&sub.composite),
                sub,
                display: display.into(),
            }));
        }
        self.groups.insert(group.into(), first);
        first
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(r) => r.fmt(f),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = if self.nullable { "null " } else { "" };
        match self.heap {
            HeapType::Abstract(a) if self.nullable && !a.is_bottom() => {
                write!(f, "{}ref", a.name())
            }
            HeapType::Abstract(a) => write!(f, "(ref {null}{})", a.name()),
            HeapType::Concrete(r) => write!(f, "(ref {null}type#{})", r.id.0),
            HeapType::Exact(r) => write!(f, "(ref {null}(exact type#{}))", r.id.0),
        }
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValType]| {
            let names: Vec<_> = types.iter().map(ToString::to_string).collect();
            names.join(" ")
        };
        write!(f, "[{}] -> [{}]", list(&self.params), list(&self.results))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(supertype: Option<TypeId>, fields: &[StorageType]) -> SubType {
        let fields = fields
            .iter()
            .map(|&storage| FieldType {
                storage,
                mutable: true,
            })
            .collect();
        SubType {
            is_final: false,
            supertype,
            composite: CompositeType::Struct(fields),
            shared: false,
            descriptor: None,
            describes: None,
        }
    }

    fn self_reference() -> StorageType {
        let id = TypeId::in_group(0);
        let heap = HeapType::Concrete(TypeRef {
            id,
            kind: CompositeKind::Struct,
        });
        StorageType::Val(ValType::Ref(RefType {
            nullable: true,
            heap,
        }))
    }

    #[test]
    fn equal_groups_are_one_type_and_different_groups_are_not() {
        let types = TypeRegistry::default();
        let a = types.intern(vec![structure(None, &[self_reference()])]);
        let b = types.intern(vec![structure(None, &[self_reference()])]);
        let c = types.intern(vec![structure(None, &[StorageType::I8])]);
        assert_eq!(a, b);
        assert_ne!(a, c);
        let pair = vec![structure(None, &[StorageType::I8]), structure(None, &[])];
        assert_ne!(
            types.intern(pair)[0],
            c[0],
            "the same member of another group is another type"
        );
    }

    #[test]
    fn displays_decide_subtyping() {
        let types = TypeRegistry::default();
        let root = types.intern(vec![structure(None, &[])])[0];
        let mid = types.intern(vec![structure(Some(root), &[StorageType::I8])])[0];
        let leaf = types.intern(vec![structure(Some(mid), &[StorageType::I8; 2])])[0];
        let other = types.intern(vec![structure(Some(root), &[StorageType::I16])])[0];
        for (a, b, want) in [
            (leaf, root, true),
            (leaf, mid, true),
            (mid, leaf, false),
            (other, mid, false),
            (root, root, true),
        ] {
            assert_eq!(types.is_subtype(a, b), want, "{a:?} <: {b:?}");
        }
        assert_eq!(*types.get(leaf).display, [root, mid, leaf]);
    }

    #[test]
    fn abstract_hierarchies() {
        use AbstractHeapType as A;
        let yes = [
            (A::I31, A::Eq),
            (A::Struct, A::Any),
            (A::None, A::Array),
            (A::NoFunc, A::Func),
        ];
        let no = [
            (A::Any, A::Eq),
            (A::Func, A::Any),
            (A::NoFunc, A::Any),
            (A::I31, A::Struct),
        ];
        assert!(yes.iter().all(|&(a, b)| a.is_subtype_of(b)));
        assert!(no.iter().all(|&(a, b)| !a.is_subtype_of(b)));
    }
}
