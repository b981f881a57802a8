/* Objects of the host in globals, tables, arguments and results. */
#include "example.h"

static wasm_trap_t* pass(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_ref_t* ref = args->data[0].of.ref;
  printf("pass %s\n", ref == NULL ? "null" : (const char*)wasm_ref_get_host_info(ref));
  wasm_val_copy(&results->data[0], &args->data[0]);
  return NULL;
}

/* Tells if a reference that is given away is another reference to the same. */
static void check(const char* where, wasm_ref_t* got, const wasm_ref_t* wanted) {
  printf("%s: %s\n", where, wasm_ref_same(got, wanted) ? "the same" : "another");
  wasm_ref_delete(got);
}

static void through(const wasm_extern_vec_t* exports, wasm_ref_t* ref) {
  wasm_val_t value = WASM_REF_VAL(ref), result, indexed[] = {WASM_I32_VAL(3), WASM_REF_VAL(ref)};
  wasm_global_t* global = wasm_extern_as_global(exports->data[0]);
  wasm_table_t* table = wasm_extern_as_table(exports->data[1]);

  call(exports->data[2], 1, &value, 0, NULL);
  wasm_global_get(global, &result);
  check("global from code", result.of.ref, ref);
  wasm_global_set(global, &(wasm_val_t)WASM_INIT_VAL);
  wasm_global_set(global, &value);
  call(exports->data[3], 0, NULL, 1, &result);
  check("global in code", result.of.ref, ref);

  call(exports->data[4], 2, indexed, 0, NULL);
  check("element from code", wasm_table_get(table, 3), ref);
  wasm_table_set(table, 4, ref);
  call(exports->data[5], 1, &(wasm_val_t)WASM_I32_VAL(4), 1, &result);
  check("element in code", result.of.ref, ref);

  call(exports->data[6], 1, &value, 1, &result);
  check("result", result.of.ref, ref);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);
  wasm_functype_t* type =
    wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
  wasm_func_t* passes = wasm_func_new(store, type, pass);
  wasm_functype_delete(type);
  wasm_extern_t* items[] = {wasm_func_as_extern(passes)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);

  wasm_foreign_t *one = wasm_foreign_new(store), *two = wasm_foreign_new(store);
  wasm_foreign_set_host_info(one, "one");
  wasm_foreign_set_host_info(two, "two");
  printf("one is %s two\n", wasm_foreign_same(one, two) ? "the same as" : "not");
  through(&exports, NULL);
  through(&exports, wasm_foreign_as_ref(one));
  through(&exports, wasm_foreign_as_ref(two));

  /* A function can be an object of the host as well. */
  wasm_func_set_host_info(passes, "a function");
  through(&exports, wasm_func_as_ref(passes));

  wasm_val_t box;
  call(exports.data[7], 1, &(wasm_val_t)WASM_I32_VAL(-1), 1, &box);
  printf("a number as a reference: %s, host info %s\n",
    wasm_ref_as_foreign(box.of.ref) == NULL ? "not foreign" : "foreign",
    wasm_ref_get_host_info(box.of.ref) == NULL ? "null" : "there");
  wasm_val_delete(&box);

  wasm_foreign_delete(one);
  wasm_foreign_delete(two);
  wasm_func_delete(passes);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
