/* Finalizers: of instances, which end with their store, and of foreign objects, which end with
 * their last reference unless code has got them. */
#include "example.h"

enum { INSTANCES = 500 };

static int alive;

static void finalize(void* data) {
  (void)data;
  --alive;
}

static void run(wasm_store_t* store, const wasm_module_t* module) {
  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  for (int n = 0; n < INSTANCES; ++n) {
    wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
    expect(instance != NULL, "wasm_instance_new");
    wasm_instance_set_host_info_with_finalizer(instance, &alive, finalize);
    ++alive;
    wasm_instance_delete(instance);
  }
}

static void foreign(wasm_store_t* store, const wasm_module_t* module) {
  wasm_foreign_t* object = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(object, &alive, finalize);
  ++alive;
  printf("an object: %d\n", alive);
  wasm_foreign_set_host_info_with_finalizer(object, &object, finalize);
  printf("info replaced: %d\n", alive++);
  wasm_foreign_t* copy = wasm_foreign_copy(object);
  wasm_foreign_delete(object);
  printf("a copy is left: %d\n", alive);
  wasm_foreign_delete(copy);
  printf("none is left: %d\n", alive);

  object = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(object, &alive, finalize);
  ++alive;
  wasm_extern_vec_t imports = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);
  call(exports.data[0], 1, &(wasm_val_t)WASM_REF_VAL(wasm_foreign_as_ref(object)), 0, NULL);
  wasm_foreign_delete(object);
  printf("code has got it: %d\n", alive);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t *one = wasm_store_new(engine), *two = wasm_store_new(engine);
  wasm_module_t* module = load(one, argc, argv);
  foreign(one, module);

  run(one, module);
  run(two, module);
  run(one, module);
  printf("alive %d\n", alive);
  wasm_store_delete(two);
  printf("alive %d\n", alive);
  wasm_store_delete(one);
  printf("alive %d, for the module keeps the store\n", alive);
  wasm_module_delete(module);
  printf("alive %d\n", alive);
  wasm_engine_delete(engine);
  return 0;
}
