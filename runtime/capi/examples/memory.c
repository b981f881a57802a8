/* A memory: its bytes from both sides, its bounds, its growth, and a memory of the host. */
#include "example.h"

static void show(const wasm_extern_t* load, int32_t address) {
  wasm_val_t number[] = {WASM_I32_VAL(address)}, result;
  wasm_val_vec_t args = WASM_ARRAY_VEC(number), results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func_const(load), &args, &results);
  if (trap == NULL) {
    printf("load %#" PRIx32 ": %" PRId32 "\n", (uint32_t)address, result.of.i32);
    return;
  }
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("load %#" PRIx32 ": %s\n", (uint32_t)address, message.data);
  wasm_name_delete(&message);
  wasm_trap_delete(trap);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);
  wasm_extern_vec_t imports = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);
  wasm_memory_t* memory = wasm_extern_as_memory(exports.data[0]);
  const wasm_extern_t *size = exports.data[1], *loads = exports.data[2], *stores = exports.data[3];

  byte_t* data = wasm_memory_data(memory);
  printf("%" PRIu32 " pages, %zu bytes; byte 0x1003 is %d\n", wasm_memory_size(memory),
    wasm_memory_data_size(memory), (signed char)data[0x1003]);
  show(loads, 0x1003);
  data[0x1003] = 5;
  show(loads, 0x1003);
  wasm_val_t args[] = {WASM_I32_VAL(0x1ffff), WASM_I32_VAL(9)};
  call(stores, 2, args, 0, NULL);
  printf("byte 0x1ffff is %d\n", data[0x1ffff]);
  show(loads, 0x1ffff);
  show(loads, 0x20000);
  show(loads, -1);

  printf("grow %d\n", wasm_memory_grow(memory, 1));
  printf("%" PRId32 " pages in code\n", call_i32(size, 0, NULL));
  show(loads, 0x20000);
  wasm_memory_data(memory)[0x2ffff] = 11;
  show(loads, 0x2ffff);
  printf("grow beyond the maximum %d, by nothing %d\n", wasm_memory_grow(memory, 1),
    wasm_memory_grow(memory, 0));

  wasm_limits_t limits = {5, 5};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  wasm_memory_t* own_memory = wasm_memory_new(store, type);
  printf("a memory of the host: %" PRIu32 " pages, grow %d\n", wasm_memory_size(own_memory),
    wasm_memory_grow(own_memory, 1));
  wasm_memorytype_delete(type);
  wasm_memory_delete(own_memory);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
