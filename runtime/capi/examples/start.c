/* A module whose start function traps: there is no instance, and the trap says why. An import
 * that is missing is told in the same way. */
#include "example.h"

static void print(wasm_trap_t* trap) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("%s\n", message.data);
  wasm_name_delete(&message);
  wasm_frame_t* origin = wasm_trap_origin(trap);
  if (origin != NULL) {
    printf("function %" PRIu32 ", byte %zu\n", wasm_frame_func_index(origin),
      wasm_frame_module_offset(origin));
    wasm_frame_delete(origin);
  }
  wasm_trap_delete(trap);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);

  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  wasm_trap_t* trap = NULL;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, &trap);
  expect(instance == NULL && trap != NULL, "a trap");
  print(trap);

  wasm_extern_t* items[] = {NULL};
  wasm_extern_vec_t wrong = WASM_ARRAY_VEC(items);
  instance = wasm_instance_new(store, module, &wrong, &trap);
  expect(instance == NULL && trap != NULL, "a reason");
  print(trap);
  expect(wasm_instance_new(store, module, &imports, NULL) == NULL, "no instance");

  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
