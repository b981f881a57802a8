/* Functions of the host: without and with data of their own, and one that calls WebAssembly
 * again. */
#include "example.h"

struct counter {
  int32_t value;
  const wasm_extern_t* twice;
};

static wasm_trap_t* show(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  printf("show %" PRId32 "\n", args->data[0].of.i32);
  wasm_val_copy(&results->data[0], &args->data[0]);
  return NULL;
}

static wasm_trap_t* next(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct counter* counter = env;
  (void)args;
  counter->value = call_i32(counter->twice, 1, &counter->value);
  printf("next %" PRId32 "\n", counter->value);
  results->data[0].kind = WASM_I32;
  results->data[0].of.i32 = counter->value;
  return NULL;
}

static void finish(void* env) {
  printf("finish at %" PRId32 "\n", ((struct counter*)env)->value);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);
  struct counter counter = {5, NULL};

  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* shows = wasm_func_new(store, type, show);
  wasm_functype_delete(type);
  type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t* counts = wasm_func_new_with_env(store, type, next, &counter, finish);
  wasm_functype_delete(type);

  wasm_extern_t* items[] = {wasm_func_as_extern(shows), wasm_func_as_extern(counts)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);
  counter.twice = exports.data[1];

  int32_t numbers[] = {6, 7};
  printf("run(6, 7) = %" PRId32 "\n", call_i32(exports.data[0], 2, numbers));

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(shows);
  wasm_func_delete(counts);
  wasm_module_delete(module);
  printf("the store ends\n");
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
