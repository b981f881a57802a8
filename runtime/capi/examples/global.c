/* Globals of the host and of a module, seen from both. */
#include "example.h"

static wasm_global_t* make(
  wasm_store_t* store, wasm_valkind_t kind, wasm_mutability_t mutability, wasm_val_t value
) {
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new(kind), mutability);
  wasm_global_t* global = wasm_global_new(store, type, &value);
  expect(global != NULL, "wasm_global_new");
  wasm_globaltype_delete(type);
  return global;
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);

  wasm_global_t* constant = make(store, WASM_F32, WASM_CONST, (wasm_val_t)WASM_F32_VAL(1.5f));
  wasm_global_t* var = make(store, WASM_I64, WASM_VAR, (wasm_val_t)WASM_I64_VAL(2));
  wasm_extern_t* items[] = {wasm_global_as_extern(constant), wasm_global_as_extern(var)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);

  wasm_val_t value;
  call(exports.data[2], 0, NULL, 1, &value);
  printf("const is %g in code\n", value.of.f32);
  wasm_global_set(var, &(wasm_val_t)WASM_I64_VAL(-3));
  call(exports.data[3], 0, NULL, 1, &value);
  printf("var is %" PRId64 " in code\n", value.of.i64);

  wasm_val_t args[] = {WASM_I64_VAL(1LL << 40), WASM_F64_VAL(0.25)};
  call(exports.data[4], 2, args, 0, NULL);
  wasm_global_get(var, &value);
  printf("var is %" PRId64 "\n", value.of.i64);
  wasm_global_t* exported = wasm_extern_as_global(exports.data[0]);
  wasm_global_get(exported, &value);
  printf("own is %g\n", value.of.f64);

  /* Neither a constant global nor a value of another type is written. */
  wasm_global_set(wasm_extern_as_global(exports.data[1]), &(wasm_val_t)WASM_I32_VAL(1));
  wasm_global_get(wasm_extern_as_global(exports.data[1]), &value);
  printf("fixed is %" PRId32 "\n", value.of.i32);
  wasm_global_set(exported, &(wasm_val_t)WASM_I32_VAL(1));
  wasm_global_get(exported, &value);
  printf("own is %g\n", value.of.f64);

  wasm_globaltype_t* type = wasm_global_type(var);
  printf("var is %s\n", wasm_globaltype_mutability(type) == WASM_VAR ? "variable" : "constant");
  wasm_globaltype_delete(type);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_global_delete(constant);
  wasm_global_delete(var);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
