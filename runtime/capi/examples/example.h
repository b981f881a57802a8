/* What the examples have in common: reading a module, and ending with a message. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wassay.h"

/* Ends the program, with the reason that the library knows, unless all is well. */
static inline void expect(bool well, const char* what) {
  if (well) return;
  wasm_message_t reason;
  wassay_last_error_message(&reason);
  fprintf(stderr, "%s: %s\n", what, reason.data);
  exit(1);
}

/* Ends the program if a call has ended in a trap. */
static inline void expect_no_trap(const wasm_trap_t* trap) {
  if (trap == NULL) return;
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  fprintf(stderr, "trap: %s\n", message.data);
  exit(1);
}

/* The bytes of a file. */
static inline wasm_byte_vec_t read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  expect(file != NULL, path);
  fseek(file, 0, SEEK_END);
  wasm_byte_vec_t bytes;
  wasm_byte_vec_new_uninitialized(&bytes, (size_t)ftell(file));
  rewind(file);
  expect(fread(bytes.data, 1, bytes.size, file) == bytes.size, path);
  fclose(file);
  return bytes;
}

/* The module of the file that the command line names. */
static inline wasm_module_t* load(wasm_store_t* store, int argc, char** argv) {
  expect(argc == 2, "usage: EXAMPLE MODULE.wasm");
  wasm_byte_vec_t bytes = read_file(argv[1]);
  wasm_module_t* module = wasm_module_new(store, &bytes);
  expect(module != NULL, "wasm_module_new");
  wasm_byte_vec_delete(&bytes);
  return module;
}

/* An instance, and its exports. */
static inline wasm_instance_t* instantiate(
  wasm_store_t* store, const wasm_module_t* module, const wasm_extern_vec_t* imports,
  wasm_extern_vec_t* exports
) {
  wasm_trap_t* trap;
  wasm_instance_t* instance = wasm_instance_new(store, module, imports, &trap);
  expect_no_trap(trap);
  wasm_instance_exports(instance, exports);
  return instance;
}

/* Calls a function, which must not trap. */
static inline void call(
  const wasm_extern_t* func, size_t n_args, wasm_val_t* args, size_t n_results,
  wasm_val_t* results
) {
  wasm_val_vec_t args_vec = {n_args, args}, results_vec = {n_results, results};
  expect_no_trap(wasm_func_call(wasm_extern_as_func_const(func), &args_vec, &results_vec));
}

/* Calls a function of numbers of 32 bits with one result. */
static inline int32_t call_i32(const wasm_extern_t* func, size_t n_args, const int32_t* numbers) {
  wasm_val_t args[4] = {{.kind = WASM_I32}, {.kind = WASM_I32}, {.kind = WASM_I32}}, result;
  for (size_t n = 0; n < n_args; ++n) args[n].of.i32 = numbers[n];
  call(func, n_args, args, 1, &result);
  return result.of.i32;
}

#endif
