/* A module written to bytes and read again; bytes that are harmed are refused. */
#include "example.h"

static void print_reason(void) {
  wasm_message_t reason;
  wassay_last_error_message(&reason);
  printf("%s\n", reason.data);
  wasm_name_delete(&reason);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);
  wasm_byte_vec_t bytes;
  wasm_module_serialize(module, &bytes);
  wasm_module_delete(module);

  for (size_t at = 0; at < bytes.size; ++at) {
    bytes.data[at] ^= 1;
    expect(wasm_module_deserialize(store, &bytes) == NULL, "harmed bytes are refused");
    bytes.data[at] ^= 1;
  }
  print_reason();
  wasm_byte_vec_t part = {bytes.size - 1, bytes.data}, nothing = WASM_EMPTY_VEC;
  expect(wasm_module_deserialize(store, &part) == NULL, "a part is refused");
  expect(wasm_module_deserialize(store, &nothing) == NULL, "nothing is refused");
  expect(!wasm_module_validate(store, &bytes), "the form is not that of a module");

  wasm_module_t* read = wasm_module_deserialize(store, &bytes);
  expect(read != NULL, "wasm_module_deserialize");
  wasm_byte_vec_delete(&bytes);
  wasm_extern_vec_t imports = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = instantiate(store, read, &imports, &exports);
  printf("the answer is %" PRId32 "\n", call_i32(exports.data[0], 0, NULL));

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(read);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
