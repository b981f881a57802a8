/* The types of what a module imports and exports. */
#include "example.h"

static const char* kind_name(wasm_valkind_t kind) {
  switch (kind) {
    case WASM_I32: return "i32";
    case WASM_I64: return "i64";
    case WASM_F32: return "f32";
    case WASM_F64: return "f64";
    case WASSAY_V128: return "v128";
    case WASM_EXTERNREF: return "externref";
    case WASM_FUNCREF: return "funcref";
    case WASSAY_ANYREF: return "anyref";
    default: return "?";
  }
}

static void print_types(const wasm_valtype_vec_t* types) {
  printf("[");
  for (size_t n = 0; n < types->size; ++n) {
    printf("%s%s", n > 0 ? " " : "", kind_name(wasm_valtype_kind(types->data[n])));
  }
  printf("]");
}

static void print_limits(const wasm_limits_t* limits) {
  printf("%" PRIu32, limits->min);
  if (limits->max != wasm_limits_max_default) printf(" to %" PRIu32, limits->max);
}

static void print_type(const wasm_externtype_t* type) {
  switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC: {
      const wasm_functype_t* func = wasm_externtype_as_functype_const(type);
      printf("func ");
      print_types(wasm_functype_params(func));
      printf(" -> ");
      print_types(wasm_functype_results(func));
      break;
    }
    case WASM_EXTERN_GLOBAL: {
      const wasm_globaltype_t* global = wasm_externtype_as_globaltype_const(type);
      bool var = wasm_globaltype_mutability(global) == WASM_VAR;
      const char* name = kind_name(wasm_valtype_kind(wasm_globaltype_content(global)));
      printf("global %s%s", var ? "mut " : "", name);
      break;
    }
    case WASM_EXTERN_TABLE: {
      const wasm_tabletype_t* table = wasm_externtype_as_tabletype_const(type);
      printf("table ");
      print_limits(wasm_tabletype_limits(table));
      printf(" %s", kind_name(wasm_valtype_kind(wasm_tabletype_element(table))));
      break;
    }
    case WASM_EXTERN_MEMORY:
      printf("memory ");
      print_limits(wasm_memorytype_limits(wasm_externtype_as_memorytype_const(type)));
      break;
    case WASSAY_EXTERN_TAG:
      printf("tag");
      break;
  }
  printf("\n");
}

static void print_name(const wasm_name_t* name) {
  printf("\"%.*s\" ", (int)name->size, name->data);
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);

  wasm_importtype_vec_t imports;
  wasm_module_imports(module, &imports);
  for (size_t n = 0; n < imports.size; ++n) {
    printf("import ");
    print_name(wasm_importtype_module(imports.data[n]));
    print_name(wasm_importtype_name(imports.data[n]));
    print_type(wasm_importtype_type(imports.data[n]));
  }
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  for (size_t n = 0; n < exports.size; ++n) {
    printf("export ");
    print_name(wasm_exporttype_name(exports.data[n]));
    print_type(wasm_exporttype_type(exports.data[n]));
  }

  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
