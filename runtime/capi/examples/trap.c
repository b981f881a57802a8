/* Calls that end in traps: of code, of the host, by an exception, by too deep a recursion; their
 * messages, origins and traces. A trap of the host is the same object on its way through code,
 * and an exception that a host function lets pass is caught by code. */
#include "example.h"

static wasm_trap_t* made;

static wasm_trap_t* fail(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, "the host has failed");
  wasm_trap_t* trap = wasm_trap_new(env, &message);
  wasm_name_delete(&message);
  made = wasm_trap_copy(trap);
  wasm_trap_set_host_info(made, &made);
  return trap;
}

/* Calls WebAssembly again, and ends as that does. */
static wasm_trap_t* again(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  const wasm_extern_vec_t* exports = env;
  return wasm_func_call(wasm_extern_as_func(exports->data[3]), args, results);
}

static void print_frame(const wasm_frame_t* frame, const wasm_instance_t* instance) {
  printf("  function %" PRIu32 " at %zu, byte %zu of the module, instance %s\n",
    wasm_frame_func_index(frame), wasm_frame_func_offset(frame),
    wasm_frame_module_offset(frame),
    wasm_instance_same(wasm_frame_instance(frame), instance) ? "known" : "unknown");
}

static void print_trap(const wasm_trap_t* trap, const wasm_instance_t* instance) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("  %s (%zu bytes)\n", message.data, message.size);
  wasm_name_delete(&message);

  wasm_frame_t* origin = wasm_trap_origin(trap);
  wasm_frame_vec_t trace;
  wasm_trap_trace(trap, &trace);
  printf("  %zu frames\n", trace.size);
  for (size_t n = 0; n < trace.size && n < 3; ++n) print_frame(trace.data[n], instance);
  if (trace.size > 0) {
    wasm_frame_t* copy = wasm_frame_copy(origin);
    expect(wasm_frame_module_offset(copy) == wasm_frame_module_offset(trace.data[0]), "origin");
    wasm_frame_delete(copy);
    wasm_frame_delete(origin);
  }
  wasm_frame_vec_delete(&trace);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);

  wasm_functype_t* type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t* fails = wasm_func_new_with_env(store, type, fail, store, NULL);
  wasm_extern_vec_t exports;
  wasm_func_t* throws = wasm_func_new_with_env(store, type, again, &exports, NULL);
  wasm_functype_delete(type);
  wasm_extern_t* items[] = {wasm_func_as_extern(fails), wasm_func_as_extern(throws)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);

  const char* names[] = {"trap", "host", "divide", "throw", "deep"};
  for (size_t n = 0; n < 5; ++n) {
    printf("%s\n", names[n]);
    wasm_val_t numbers[] = {WASM_I32_VAL(1), WASM_I32_VAL(0)}, result = WASM_I32_VAL(77);
    const wasm_func_t* func = wasm_extern_as_func(exports.data[n]);
    wasm_val_vec_t args = {wasm_func_param_arity(func), numbers}, results = {1, &result};
    wasm_trap_t* trap = wasm_func_call(func, &args, &results);
    expect(trap != NULL, "a trap");
    expect(result.of.i32 == 77, "results are left as they are");
    print_trap(trap, instance);
    if (wasm_trap_same(trap, made)) {
      printf("  the trap that the host has made, with its host info: %s\n",
        wasm_trap_get_host_info(trap) == &made ? "yes" : "no");
      wasm_trap_delete(made);
      made = NULL;
    }
    wasm_trap_delete(trap);
  }
  printf("fine afterwards: %" PRId32 "\n", call_i32(exports.data[5], 0, NULL));
  printf("caught: %" PRId32 "\n", call_i32(exports.data[6], 0, NULL));

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(fails);
  wasm_func_delete(throws);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
