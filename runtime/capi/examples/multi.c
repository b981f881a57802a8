/* Several results, from a function of the host through code. */
#include "example.h"

static wasm_trap_t* turn(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  for (size_t n = 0; n < 4; ++n) wasm_val_copy(&results->data[n], &args->data[3 - n]);
  return NULL;
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);

  wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_uninitialized(&params, 4);
  wasm_valtype_vec_new_uninitialized(&results, 4);
  for (size_t n = 0; n < 4; ++n) {
    params.data[n] = wasm_valtype_new(kinds[n]);
    results.data[n] = wasm_valtype_new(kinds[3 - n]);
  }
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  wasm_func_t* turns = wasm_func_new(store, type, turn);
  wasm_functype_delete(type);
  printf("%zu parameters, %zu results\n", wasm_func_param_arity(turns),
    wasm_func_result_arity(turns));

  wasm_extern_t* items[] = {wasm_func_as_extern(turns)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);
  wasm_val_t args[] = {
    WASM_I32_VAL(-1), WASM_I64_VAL(1LL << 33), WASM_F32_VAL(0.5f), WASM_F64_VAL(-0.125)};
  wasm_val_t out[4];
  call(exports.data[0], 4, args, 4, out);
  printf("%g %g %" PRId64 " %" PRId32 "\n", out[0].of.f64, out[1].of.f32, out[2].of.i64,
    out[3].of.i32);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(turns);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
