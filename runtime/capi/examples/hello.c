/* A module that calls a function of the host, and gives a result. */
#include "example.h"

static wasm_trap_t* greet(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  printf("hello from the host, with %" PRId32 "\n", args->data[0].of.i32);
  return NULL;
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);

  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* func = wasm_func_new(store, type, greet);
  wasm_functype_delete(type);

  wasm_extern_t* items[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);

  int32_t numbers[] = {40, 2};
  printf("40 + 2 = %" PRId32 "\n", call_i32(exports.data[0], 2, numbers));

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
