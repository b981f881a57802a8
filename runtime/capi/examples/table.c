/* A table: elements read, written and called, growth, and a table of the host. */
#include "example.h"

static wasm_trap_t* negate(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0] = (wasm_val_t)WASM_I32_VAL(-args->data[0].of.i32);
  return NULL;
}

static const wasm_extern_t* caller;

/* The element at an index, called with 7. */
static void show(int32_t index) {
  wasm_val_t numbers[] = {WASM_I32_VAL(index), WASM_I32_VAL(7)}, result;
  wasm_val_vec_t args = WASM_ARRAY_VEC(numbers), results = {1, &result};
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func_const(caller), &args, &results);
  if (trap == NULL) {
    printf("%" PRId32 ": %" PRId32 "\n", index, result.of.i32);
    return;
  }
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("%" PRId32 ": %s\n", index, message.data);
  wasm_name_delete(&message);
  wasm_trap_delete(trap);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);
  wasm_extern_vec_t imports = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);
  wasm_table_t* table = wasm_extern_as_table(exports.data[0]);
  caller = exports.data[1];
  wasm_ref_t* same = wasm_extern_as_ref(exports.data[2]);
  wasm_ref_t* six = wasm_func_as_ref(wasm_extern_as_func(exports.data[3]));

  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* negates = wasm_func_new(store, type, negate);
  wasm_functype_delete(type);

  printf("size %" PRIu32 "\n", wasm_table_size(table));
  wasm_ref_t* element = wasm_table_get(table, 1);
  printf("element 1 is %s\n", wasm_ref_same(element, same) ? "the function" : "another");
  wasm_ref_delete(element);
  printf("element 0 is %s\n", wasm_table_get(table, 0) == NULL ? "null" : "there");
  show(0);
  show(1);
  show(2);

  printf("set %d %d\n", wasm_table_set(table, 0, six), wasm_table_set(table, 2, six));
  show(0);
  printf("grow %d\n", wasm_table_grow(table, 5, wasm_func_as_ref(negates)));
  printf("size %" PRIu32 "\n", wasm_table_size(table));
  show(6);
  show(7);
  printf("grow beyond the maximum %d\n", wasm_table_grow(table, 4, NULL));
  printf("set null %d\n", wasm_table_set(table, 6, NULL));
  show(6);
  printf("set a table %d\n", wasm_table_set(table, 6, wasm_table_as_ref(table)));

  wasm_limits_t limits = {3, wasm_limits_max_default};
  wasm_tabletype_t* of_funcs = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  wasm_table_t* own_table = wasm_table_new(store, of_funcs, six);
  wasm_tabletype_delete(of_funcs);
  element = wasm_table_get(own_table, 2);
  printf("a table of the host %d\n", wasm_ref_same(element, six));
  wasm_ref_delete(element);
  wasm_table_grow(own_table, 1, NULL);
  of_funcs = wasm_table_type(own_table);
  printf("its size by its type %" PRIu32 "\n", wasm_tabletype_limits(of_funcs)->min);
  wasm_tabletype_delete(of_funcs);
  wasm_table_delete(own_table);

  wasm_func_delete(negates);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
