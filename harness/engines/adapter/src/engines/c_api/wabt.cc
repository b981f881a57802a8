// The functions of the standard C API (wasm.h) that the adapter of C libraries uses, over the
// interpreter of wabt, which Debian packages as a static library of C++ without that API.
//
//     c++ -std=c++17 -O2 -shared -fPIC -o libwabt-c.so wasm.cc -lwabt
//
// Every proposal that the interpreter executes is on. The bits of numbers cross as they are; host
// objects are the pointers that they are made with. Modules, instances and externals are used with the store that they are made in.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "wabt/binary-reader.h"
#include "wabt/config.h"
#include "wabt/error.h"
#include "wabt/feature.h"
#include "wabt/interp/binary-reader-interp.h"
#include "wabt/interp/interp.h"

using namespace wabt;
using namespace wabt::interp;

// A vector of the API.
template <typename T>
struct Vector {
  size_t size;
  T* data;
};

// A value of the API: the kind, and the bits of a number or a pointer to a reference.
struct Val {
  uint8_t kind;
  uint8_t padding[7];
  uint64_t bits;
};

enum Kind : uint8_t { kI32, kI64, kF32, kF64, kExternRef = 128, kFuncRef = 129 };

struct wasm_config_t {
  Features features;
};

struct wasm_engine_t {
  Features features;
};

struct wasm_store_t {
  explicit wasm_store_t(const Features& features) : store(features) {}
  Store store;
};

struct wasm_module_t {
  interp::Module::Ptr module;
};

struct wasm_extern_t {
  Store* store;
  RefPtr<Object> object;
};

struct wasm_instance_t {
  Store* store;
  Instance::Ptr instance;
};

struct wasm_trap_t {
  std::string message;
};

// A reference that is not null. A new host object has no object of the interpreter yet.
struct wasm_ref_t {
  Store* store;
  Ref ref;
  void* info;
};

static Kind KindOf(ValueType type) {
  switch (type) {
    case ValueType::I32: return kI32;
    case ValueType::I64: return kI64;
    case ValueType::F32: return kF32;
    case ValueType::F64: return kF64;
    case ValueType::FuncRef: return kFuncRef;
    default: return kExternRef;
  }
}

static Value ToValue(const Val& val) {
  if (val.kind >= kExternRef) {
    auto* ref = reinterpret_cast<wasm_ref_t*>(val.bits);
    if (ref == nullptr) {
      return Value::Make(Ref::Null);
    }
    bool is_new = ref->ref == Ref::Null;
    return Value::Make(is_new ? Foreign::New(*ref->store, ref->info).ref() : ref->ref);
  }
  bool is_narrow = val.kind == kI32 || val.kind == kF32;
  return is_narrow ? Value::Make(static_cast<u32>(val.bits)) : Value::Make(u64{val.bits});
}

static Val ToVal(Store* store, const Value& value, ValueType type) {
  Val val{};
  val.kind = KindOf(type);
  if (val.kind >= kExternRef) {
    Ref ref = value.Get<Ref>();
    if (ref == Ref::Null) {
      return val;
    }
    bool is_host = store->Is<Foreign>(ref);
    void* info = is_host ? store->UnsafeGet<Foreign>(ref)->ptr() : nullptr;
    val.bits = reinterpret_cast<uint64_t>(new wasm_ref_t{store, ref, info});
    return val;
  }
  bool is_narrow = val.kind == kI32 || val.kind == kF32;
  val.bits = is_narrow ? value.Get<u32>() : value.Get<u64>();
  return val;
}

static wasm_trap_t* NewTrap(const Trap::Ptr& trap) {
  return new wasm_trap_t{trap ? trap->message() : "no message"};
}

extern "C" {

const char* wabt_version() { return WABT_VERSION_STRING; }

wasm_config_t* wasm_config_new() {
  auto* config = new wasm_config_t;
  config->features.EnableAll();
  // Their types are read, and not executed.
  config->features.disable_gc();
  config->features.disable_function_references();
  return config;
}

wasm_engine_t* wasm_engine_new_with_config(wasm_config_t* config) {
  auto* engine = new wasm_engine_t{config->features};
  delete config;
  return engine;
}

wasm_store_t* wasm_store_new(wasm_engine_t* engine) { return new wasm_store_t(engine->features); }

void wasm_store_delete(wasm_store_t* store) { delete store; }

wasm_module_t* wasm_module_new(wasm_store_t* store, const Vector<uint8_t>* bytes) {
  ReadBinaryOptions options;
  options.features = store->store.features();
  Errors errors;
  ModuleDesc desc;
  if (Failed(ReadBinaryInterp("module", bytes->data, bytes->size, options, &errors, &desc))) {
    return nullptr;
  }
  return new wasm_module_t{interp::Module::New(store->store, std::move(desc))};
}

void wasm_module_delete(wasm_module_t* module) { delete module; }

wasm_instance_t* wasm_instance_new(wasm_store_t* store, wasm_module_t* module,
                                   const Vector<wasm_extern_t*>* imports, wasm_trap_t** out) {
  RefVec refs;
  for (size_t i = 0; i < imports->size; ++i) {
    refs.push_back(imports->data[i]->object.ref());
  }
  Trap::Ptr trap;
  auto instance = Instance::Instantiate(store->store, module->module.ref(), refs, &trap);
  if (trap) {
    *out = NewTrap(trap);
    return nullptr;
  }
  return instance ? new wasm_instance_t{&store->store, instance} : nullptr;
}

void wasm_instance_delete(wasm_instance_t* instance) { delete instance; }

void wasm_instance_exports(wasm_instance_t* instance, Vector<wasm_extern_t*>* out) {
  const RefVec& exports = instance->instance->exports();
  out->size = exports.size();
  out->data = new wasm_extern_t*[exports.size()];
  for (size_t i = 0; i < exports.size(); ++i) {
    RefPtr<Object> object(*instance->store, exports[i]);
    out->data[i] = new wasm_extern_t{instance->store, std::move(object)};
  }
}

void wasm_extern_vec_delete(Vector<wasm_extern_t*>* externs) {
  for (size_t i = 0; i < externs->size; ++i) {
    delete externs->data[i];
  }
  delete[] externs->data;
}

// Functions and globals are the externals themselves.
wasm_extern_t* wasm_extern_as_func(wasm_extern_t* it) {
  return it->store->Is<Func>(it->object.ref()) ? it : nullptr;
}

wasm_extern_t* wasm_extern_as_global(wasm_extern_t* it) {
  return it->store->Is<Global>(it->object.ref()) ? it : nullptr;
}

wasm_trap_t* wasm_func_call(wasm_extern_t* it, const Vector<Val>* args, Vector<Val>* out) {
  auto func = it->store->UnsafeGet<Func>(it->object.ref());
  Values params, results;
  for (size_t i = 0; i < args->size; ++i) {
    params.push_back(ToValue(args->data[i]));
  }
  Trap::Ptr trap;
  if (Failed(func->Call(*it->store, params, results, &trap))) {
    return NewTrap(trap);
  }
  for (size_t i = 0; i < out->size && i < results.size(); ++i) {
    out->data[i] = ToVal(it->store, results[i], func->type().results[i]);
  }
  return nullptr;
}

void wasm_global_get(wasm_extern_t* it, Val* out) {
  auto global = it->store->UnsafeGet<Global>(it->object.ref());
  *out = ToVal(it->store, global->Get(), global->type().type);
}

wasm_ref_t* wasm_foreign_new(wasm_store_t* store) {
  return new wasm_ref_t{&store->store, Ref::Null, nullptr};
}

wasm_ref_t* wasm_foreign_as_ref(wasm_ref_t* foreign) { return foreign; }

void wasm_ref_set_host_info(wasm_ref_t* ref, void* info) { ref->info = info; }

void* wasm_ref_get_host_info(wasm_ref_t* ref) { return ref->info; }

void wasm_ref_delete(wasm_ref_t* ref) { delete ref; }

void wasm_trap_message(wasm_trap_t* trap, Vector<char>* out) {
  out->size = trap->message.size() + 1;
  out->data = new char[out->size];
  std::memcpy(out->data, trap->message.c_str(), out->size);
}

void wasm_trap_delete(wasm_trap_t* trap) { delete trap; }

void wasm_byte_vec_delete(Vector<char>* bytes) { delete[] bytes->data; }

}  // extern "C"
