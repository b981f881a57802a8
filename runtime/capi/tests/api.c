/* Calls each function of the API, and checks what it does: with what it is meant for, with null,
 * and with what does not fit. Without output; ends with the line of the first check that fails. */
#include <stdio.h>
#include <stdlib.h>

#include "wassay.h"

#define CHECK(condition) check(condition, #condition, __LINE__)

static void check(bool holds, const char* condition, int line) {
  if (holds) return;
  wasm_message_t reason;
  wassay_last_error_message(&reason);
  fprintf(stderr, "line %d: %s (last error: %s)\n", line, condition, reason.data);
  exit(1);
}

static wasm_engine_t* engine;
static wasm_store_t* store;

static int finalized;

static void finalize(void* data) {
  ++*(int*)data;
}

static bool message_is(const wasm_trap_t* trap, const char* wanted) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  bool is = strcmp(message.data, wanted) == 0 && message.size == strlen(wanted) + 1;
  if (!is) fprintf(stderr, "message: %s\n", message.data);
  wasm_byte_vec_delete(&message);
  return is;
}

static bool last_error_is(const char* wanted) {
  wasm_message_t message;
  wassay_last_error_message(&message);
  bool is = strcmp(message.data, wanted) == 0;
  if (!is) fprintf(stderr, "last error: %s\n", message.data);
  wasm_byte_vec_delete(&message);
  return is;
}

/* ---- vectors -------------------------------------------------------------------------------- */

/* A vector of pointers that owns what it has: two elements, of which `one` makes each. */
#define CHECK_VEC(name, one, same) { \
  wasm_##name##_vec_t a, b; \
  wasm_##name##_vec_new_empty(&a); \
  CHECK(a.size == 0 && a.data == NULL); \
  wasm_##name##_vec_delete(&a); \
  wasm_##name##_vec_new_uninitialized(&a, 3); \
  CHECK(a.size == 3 && a.data[0] == NULL && a.data[2] == NULL); \
  a.data[1] = one; \
  wasm_##name##_vec_copy(&b, &a); \
  CHECK(b.size == 3 && b.data[0] == NULL && b.data[1] != a.data[1]); \
  CHECK(same(a.data[1], b.data[1])); \
  wasm_##name##_vec_delete(&a); \
  CHECK(a.size == 0 && a.data == NULL); \
  wasm_##name##_vec_delete(&a); \
  wasm_##name##_vec_delete(&b); \
  wasm_##name##_t* items[] = {one, one}; \
  wasm_##name##_vec_new(&a, 2, items); \
  CHECK(a.size == 2 && a.data != items && a.data[0] == items[0] && a.data[1] == items[1]); \
  wasm_##name##_vec_delete(&a); \
  wasm_##name##_vec_new(&a, 0, NULL); \
  CHECK(a.size == 0); \
  wasm_##name##_vec_new_uninitialized(&a, SIZE_MAX / 4); \
  CHECK(a.size == 0 && a.data == NULL); \
  wasm_##name##_vec_copy(&a, NULL); \
  CHECK(a.size == 0); \
  wasm_##name##_vec_delete(NULL); \
}

static void check_bytes(void) {
  wasm_byte_vec_t a, b;
  wasm_byte_vec_new_empty(&a);
  CHECK(a.size == 0 && a.data == NULL);
  wasm_byte_vec_new_uninitialized(&a, 5);
  CHECK(a.size == 5 && a.data != NULL);
  wasm_byte_vec_delete(&a);
  wasm_byte_vec_new(&a, 3, "abc");
  wasm_byte_vec_copy(&b, &a);
  CHECK(b.size == 3 && b.data != a.data && memcmp(b.data, "abc", 3) == 0);
  wasm_byte_vec_delete(&a);
  wasm_byte_vec_delete(&b);
  wasm_name_new_from_string(&a, "name");
  CHECK(a.size == 4);
  wasm_name_delete(&a);
  wasm_name_new_from_string_nt(&a, "name");
  CHECK(a.size == 5 && a.data[4] == 0);
  wasm_name_delete(&a);
}

static void check_values(void) {
  wasm_ref_t* ref = wasm_foreign_as_ref(wasm_foreign_new(store));
  wasm_val_t one = WASM_REF_VAL(ref), two;
  wasm_val_copy(&two, &one);
  CHECK(two.kind == WASM_EXTERNREF && two.of.ref != ref && wasm_ref_same(two.of.ref, ref));
  wasm_val_delete(&two);
  CHECK(two.of.ref == NULL);
  wasm_val_t numbers[] = {
    WASM_I32_VAL(-1), WASM_I64_VAL(INT64_MIN), WASM_F32_VAL(0.5f), WASM_F64_VAL(-0.25), one};
  wasm_val_vec_t a, b;
  wasm_val_vec_new(&a, 5, numbers); /* `ref` belongs to the vector from here on. */
  wasm_val_vec_copy(&b, &a);
  CHECK(b.data[0].kind == WASM_I32 && b.data[0].of.i32 == -1);
  CHECK(b.data[1].kind == WASM_I64 && b.data[1].of.i64 == INT64_MIN);
  CHECK(b.data[2].kind == WASM_F32 && b.data[2].of.f32 == 0.5f);
  CHECK(b.data[3].kind == WASM_F64 && b.data[3].of.f64 == -0.25);
  CHECK(b.data[4].of.ref != ref && wasm_ref_same(b.data[4].of.ref, ref));
  wasm_val_vec_delete(&a);
  wasm_val_vec_delete(&b);
  wasm_val_vec_new_uninitialized(&a, 2);
  CHECK(a.size == 2 && a.data[1].kind == WASM_EXTERNREF && a.data[1].of.ref == NULL);
  wasm_val_vec_delete(&a);
  wasm_val_vec_new_empty(&a);
  CHECK(a.size == 0);
  wasm_val_init_ptr(&one, &a);
  CHECK(wasm_val_ptr(&one) == &a);
  wasm_val_delete(&one);
  wasm_val_delete(NULL);
}

/* ---- types ---------------------------------------------------------------------------------- */

static wasm_valtype_t* i32(void) {
  return wasm_valtype_new_i32();
}
static bool same_valtype(const wasm_valtype_t* a, const wasm_valtype_t* b) {
  return wasm_valtype_kind(a) == wasm_valtype_kind(b);
}

static wasm_functype_t* functype(void) {
  return wasm_functype_new_2_1(
    wasm_valtype_new_i64(), wasm_valtype_new_funcref(), wasm_valtype_new_f64());
}
static bool same_functype(const wasm_functype_t* a, const wasm_functype_t* b) {
  const wasm_valtype_vec_t *p = wasm_functype_params(a), *q = wasm_functype_params(b);
  const wasm_valtype_vec_t *r = wasm_functype_results(a), *s = wasm_functype_results(b);
  return p->size == 2 && q->size == 2 && r->size == 1 && s->size == 1 &&
    same_valtype(p->data[0], q->data[0]) && wasm_valtype_kind(q->data[1]) == WASM_FUNCREF &&
    same_valtype(r->data[0], s->data[0]) && wasm_valtype_kind(s->data[0]) == WASM_F64;
}

static wasm_globaltype_t* globaltype(void) {
  return wasm_globaltype_new(wasm_valtype_new_f32(), WASM_VAR);
}
static bool same_globaltype(const wasm_globaltype_t* a, const wasm_globaltype_t* b) {
  return same_valtype(wasm_globaltype_content(a), wasm_globaltype_content(b)) &&
    wasm_globaltype_mutability(a) == WASM_VAR && wasm_globaltype_mutability(b) == WASM_VAR;
}

static const wasm_limits_t limits = {1, 7}, open_limits = {1, 0xffffffff};

static bool are_limits(const wasm_limits_t* it) {
  return it->min == 1 && it->max == 7;
}

static wasm_tabletype_t* tabletype(void) {
  return wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
}
static bool same_tabletype(const wasm_tabletype_t* a, const wasm_tabletype_t* b) {
  return same_valtype(wasm_tabletype_element(a), wasm_tabletype_element(b)) &&
    are_limits(wasm_tabletype_limits(a)) && are_limits(wasm_tabletype_limits(b));
}

static wasm_memorytype_t* memorytype(void) {
  return wasm_memorytype_new(&limits);
}
static bool same_memorytype(const wasm_memorytype_t* a, const wasm_memorytype_t* b) {
  return are_limits(wasm_memorytype_limits(a)) && are_limits(wasm_memorytype_limits(b));
}

static wasm_externtype_t* externtype(void) {
  return wasm_memorytype_as_externtype(memorytype());
}
static bool same_externtype(const wasm_externtype_t* a, const wasm_externtype_t* b) {
  return wasm_externtype_kind(a) == WASM_EXTERN_MEMORY &&
    wasm_externtype_kind(b) == WASM_EXTERN_MEMORY;
}

static bool is_name(const wasm_name_t* name, const char* wanted) {
  return name->size == strlen(wanted) && memcmp(name->data, wanted, name->size) == 0;
}

static wasm_importtype_t* importtype(void) {
  wasm_name_t module, name;
  wasm_name_new_from_string(&module, "module");
  wasm_name_new_from_string(&name, "name");
  return wasm_importtype_new(&module, &name, externtype());
}
static bool same_importtype(const wasm_importtype_t* a, const wasm_importtype_t* b) {
  return is_name(wasm_importtype_module(a), "module") && is_name(wasm_importtype_name(b), "name") &&
    same_externtype(wasm_importtype_type(a), wasm_importtype_type(b));
}

static wasm_exporttype_t* exporttype(void) {
  wasm_name_t name;
  wasm_name_new_from_string(&name, "name");
  return wasm_exporttype_new(&name, externtype());
}
static bool same_exporttype(const wasm_exporttype_t* a, const wasm_exporttype_t* b) {
  return is_name(wasm_exporttype_name(a), "name") && is_name(wasm_exporttype_name(b), "name") &&
    same_externtype(wasm_exporttype_type(a), wasm_exporttype_type(b));
}

#define CHECK_TYPE(name, one, same) { \
  CHECK_VEC(name, one, same) \
  wasm_##name##_t *type = one, *copy = wasm_##name##_copy(type); \
  CHECK(copy != type && same(type, copy)); \
  wasm_##name##_delete(type); \
  CHECK(same(copy, copy)); \
  wasm_##name##_delete(copy); \
  CHECK(wasm_##name##_copy(NULL) == NULL); \
  wasm_##name##_delete(NULL); \
}

/* The conversions of a type of one kind, and that it is of no other. */
#define CHECK_EXTERNTYPE(name, one, other) { \
  wasm_##name##_t* type = one; \
  wasm_externtype_t* whole = wasm_##name##_as_externtype(type); \
  CHECK((void*)whole == type && wasm_externtype_as_##name(whole) == type); \
  CHECK(wasm_##name##_as_externtype_const(type) == whole); \
  CHECK(wasm_externtype_as_##name##_const(whole) == type); \
  CHECK(wasm_externtype_as_##other(whole) == NULL); \
  CHECK(wasm_externtype_as_##other##_const(whole) == NULL); \
  CHECK(wasm_externtype_as_##name(NULL) == NULL); \
  wasm_externtype_delete(whole); \
}

static void check_types(void) {
  CHECK_TYPE(valtype, i32(), same_valtype)
  CHECK_TYPE(functype, functype(), same_functype)
  CHECK_TYPE(globaltype, globaltype(), same_globaltype)
  CHECK_TYPE(tabletype, tabletype(), same_tabletype)
  CHECK_TYPE(memorytype, memorytype(), same_memorytype)
  CHECK_TYPE(externtype, externtype(), same_externtype)
  CHECK_TYPE(importtype, importtype(), same_importtype)
  CHECK_TYPE(exporttype, exporttype(), same_exporttype)
  CHECK_EXTERNTYPE(functype, functype(), globaltype)
  CHECK_EXTERNTYPE(globaltype, globaltype(), tabletype)
  CHECK_EXTERNTYPE(tabletype, tabletype(), memorytype)
  CHECK_EXTERNTYPE(memorytype, memorytype(), functype)

  wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASSAY_V128, WASM_EXTERNREF,
    WASM_FUNCREF, WASSAY_ANYREF, WASSAY_EXNREF};
  for (size_t n = 0; n < sizeof kinds; ++n) {
    wasm_valtype_t* type = wasm_valtype_new(kinds[n]);
    CHECK(wasm_valtype_kind(type) == kinds[n]);
    CHECK(wasm_valtype_is_num(type) == (n < 5) && wasm_valtype_is_ref(type) == (n >= 5));
    wasm_valtype_delete(type);
  }
  CHECK(wasm_valtype_new(5) == NULL && wasm_valtype_new(255) == NULL);

  /* A table is of references, and what has no limits has the largest. */
  CHECK(wasm_tabletype_new(i32(), &limits) == NULL);
  wasm_memorytype_t* open = wasm_memorytype_new(&open_limits);
  CHECK(wasm_memorytype_limits(open)->max == wasm_limits_max_default);
  wasm_memorytype_delete(open);
  wasm_globaltype_t* constant = wasm_globaltype_new(i32(), WASM_CONST);
  CHECK(wasm_globaltype_mutability(constant) == WASM_CONST);
  wasm_globaltype_delete(constant);

  /* What is given away with null in it is deleted all the same. */
  wasm_valtype_t* items[] = {i32(), NULL};
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new(&params, 2, items);
  wasm_valtype_vec_new_empty(&results);
  CHECK(wasm_functype_new(&params, &results) == NULL);
  CHECK(wasm_exporttype_new(NULL, externtype()) == NULL);
  CHECK(wasm_importtype_new(NULL, NULL, externtype()) == NULL);
  CHECK(wasm_globaltype_new(NULL, WASM_VAR) == NULL);
}

/* ---- references ----------------------------------------------------------------------------- */

/* What each reference has: `one` and `other` are references to two things. */
#define CHECK_REF_BASE(name, one, other) { \
  wasm_##name##_t* copy = wasm_##name##_copy(one); \
  CHECK(copy != one && wasm_##name##_same(copy, one) && !wasm_##name##_same(one, other)); \
  CHECK(!wasm_##name##_same(one, NULL) && wasm_##name##_same(NULL, NULL)); \
  int count = 0, info = 0; \
  CHECK(wasm_##name##_get_host_info(one) == NULL); \
  wasm_##name##_set_host_info(one, &info); \
  CHECK(wasm_##name##_get_host_info(copy) == &info); \
  CHECK(wasm_##name##_get_host_info(other) == NULL); \
  wasm_##name##_set_host_info_with_finalizer(copy, &count, finalize); \
  CHECK(wasm_##name##_get_host_info(one) == &count && count == 0); \
  wasm_##name##_set_host_info(one, NULL); \
  CHECK(wasm_##name##_get_host_info(copy) == NULL && count == 1); \
  wasm_##name##_set_host_info_with_finalizer(NULL, &count, finalize); \
  CHECK(count == 2); \
  wasm_##name##_set_host_info_with_finalizer(one, &finalized, finalize); \
  wasm_##name##_delete(copy); \
  wasm_##name##_delete(NULL); \
  CHECK(wasm_##name##_copy(NULL) == NULL && wasm_##name##_get_host_info(NULL) == NULL); \
}

#define CHECK_PART(name, whole, one) { \
  wasm_##whole##_t* ref = wasm_##name##_as_##whole(one); \
  CHECK((void*)ref == one && wasm_##whole##_as_##name(ref) == one); \
  CHECK(wasm_##name##_as_##whole##_const(one) == ref); \
  CHECK(wasm_##whole##_as_##name##_const(ref) == one); \
  CHECK(wasm_##whole##_as_##name(NULL) == NULL); \
}

#define CHECK_REF(name, one, other) { \
  CHECK_REF_BASE(name, one, other) \
  CHECK_PART(name, ref, one) \
}

/* A module: functions that give what they get, a global, a table, a memory, a tag. */
static const unsigned char binary[] = {
#include "api.wasm.inc"
};

static wasm_module_t* load(void) {
  wasm_byte_vec_t bytes = {sizeof binary, (char*)binary};
  CHECK(wasm_module_validate(store, &bytes));
  wasm_module_t* module = wasm_module_new(store, &bytes);
  CHECK(module != NULL);
  return module;
}

static void check_modules(void) {
  wasm_module_t *module = load(), *other = load();
  CHECK_REF(module, module, other)
  CHECK(wasm_ref_as_func(wasm_module_as_ref(module)) == NULL);
  wasm_shared_module_t* shared = wasm_module_share(module);
  wasm_module_t* obtained = wasm_module_obtain(store, shared);
  CHECK(wasm_module_same(module, obtained));
  wasm_module_delete(obtained);
  wasm_shared_module_delete(shared);

  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  CHECK(imports.size == 1 && exports.size == 9);
  CHECK(is_name(wasm_exporttype_name(exports.data[8]), "tag"));
  CHECK(wasm_externtype_kind(wasm_exporttype_type(exports.data[8])) == WASSAY_EXTERN_TAG);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);

  wasm_byte_vec_t bytes, wrong = {8, "\0asm\x02\0\0"};
  wasm_module_serialize(module, &bytes);
  wasm_module_t* read = wasm_module_deserialize(store, &bytes);
  CHECK(read != NULL && !wasm_module_same(read, module));
  bytes.data[8] ^= 1;
  CHECK(wasm_module_deserialize(store, &bytes) == NULL);
  CHECK(last_error_is("the bytes are not a serialized module"));
  wasm_byte_vec_delete(&bytes);
  CHECK(wasm_module_new(store, &wrong) == NULL && !wasm_module_validate(store, &wrong));
  CHECK(wasm_module_new(store, NULL) == NULL && wasm_module_new(NULL, &wrong) == NULL);
  wasm_module_serialize(NULL, &bytes);
  CHECK(bytes.size == 0);
  wasm_module_delete(read);
  wasm_module_delete(module);
  wasm_module_delete(other);
}

/* ---- functions ------------------------------------------------------------------------------ */

static wasm_trap_t* give_7(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  CHECK(args->size == 1 && results->size == 1);
  CHECK(results->data[0].kind == WASM_I32 && results->data[0].of.i32 == 0);
  results->data[0].of.i32 = 7 + args->data[0].of.i32;
  return NULL;
}

static wasm_trap_t* wrong_kind(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0].kind = WASM_I64;
  return NULL;
}

static wasm_trap_t* give_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0].of.i32 = *(int*)env;
  return NULL;
}

static wasm_functype_t* unary(void) {
  return wasm_functype_new_1_1(i32(), i32());
}

/* Calls a function with a number of 32 bits: the trap, or null with the result. */
static wasm_trap_t* call(const wasm_func_t* func, int32_t number, int32_t* result) {
  wasm_val_t arg = WASM_I32_VAL(number), given = WASM_INIT_VAL;
  wasm_val_vec_t args = {1, &arg}, results = {1, &given};
  wasm_trap_t* trap = wasm_func_call(func, &args, &results);
  *result = given.of.i32;
  return trap;
}

static void check_funcs(void) {
  wasm_functype_t* type = unary();
  int env = 30, count = 0;
  int32_t result;
  wasm_func_t* plain = wasm_func_new(store, type, give_7);
  wasm_func_t* with_env = wasm_func_new_with_env(store, type, give_env, &env, NULL);
  CHECK_REF(func, plain, with_env)
  CHECK_PART(func, extern, plain)
  CHECK(call(plain, 3, &result) == NULL && result == 10);
  CHECK(call(with_env, 3, &result) == NULL && result == 30);
  CHECK(wasm_func_param_arity(plain) == 1 && wasm_func_result_arity(plain) == 1);
  wasm_functype_t* told = wasm_func_type(plain);
  CHECK(wasm_functype_params(told)->size == 1);
  wasm_functype_delete(told);

  /* Arguments and results that do not fit. */
  wasm_val_t two[] = {WASM_I32_VAL(1), WASM_I32_VAL(2)}, wide = WASM_I64_VAL(1);
  wasm_val_vec_t args = WASM_ARRAY_VEC(two), none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(plain, &args, &args);
  CHECK(message_is(trap, "2 arguments for a function of 1"));
  wasm_trap_delete(trap);
  wasm_val_vec_t one = {1, two};
  trap = wasm_func_call(plain, &one, &none);
  CHECK(message_is(trap, "room for 0 results of a function of 1"));
  wasm_trap_delete(trap);
  one.data = &wide;
  trap = wasm_func_call(plain, &one, &one);
  CHECK(message_is(trap, "a value of kind 1 is not of type i32"));
  wasm_trap_delete(trap);
  trap = wasm_func_call(plain, NULL, NULL);
  CHECK(message_is(trap, "0 arguments for a function of 1"));
  wasm_trap_delete(trap);
  wasm_func_t* wrong = wasm_func_new(store, type, wrong_kind);
  trap = call(wrong, 1, &result);
  CHECK(message_is(trap, "a value of kind 1 is not of type i32"));
  wasm_trap_delete(trap);
  CHECK(wasm_func_call(NULL, NULL, NULL) == NULL);

  /* Without a function, the data of the host ends at once. */
  CHECK(wasm_func_new(store, type, NULL) == NULL);
  CHECK(wasm_func_new_with_env(store, NULL, give_env, &count, finalize) == NULL && count == 1);
  wasm_functype_t* vector = wasm_functype_new_1_0(wasm_valtype_new(WASSAY_V128));
  CHECK(wasm_func_new_with_env(store, vector, give_env, &count, finalize) == NULL && count == 2);
  CHECK(last_error_is("values of type v128 do not cross wasm.h"));
  wasm_functype_delete(vector);

  wasm_functype_delete(type);
  wasm_func_delete(plain);
  wasm_func_delete(with_env);
  wasm_func_delete(wrong);
}

/* ---- globals, tables, memories -------------------------------------------------------------- */

static void check_globals(void) {
  wasm_globaltype_t* type = globaltype();
  wasm_val_t value = WASM_F32_VAL(2.5f), wrong = WASM_I32_VAL(1), got;
  wasm_global_t* global = wasm_global_new(store, type, &value);
  wasm_global_t* other = wasm_global_new(store, type, &value);
  CHECK(wasm_global_new(store, type, &wrong) == NULL);
  CHECK(wasm_global_new(store, type, NULL) == NULL);
  CHECK_REF(global, global, other)
  CHECK_PART(global, extern, global)
  wasm_global_get(global, &got);
  CHECK(got.kind == WASM_F32 && got.of.f32 == 2.5f);
  value.of.f32 = 3.5f;
  wasm_global_set(global, &value);
  wasm_global_set(global, &wrong);
  wasm_global_get(global, &got);
  CHECK(got.of.f32 == 3.5f);
  wasm_globaltype_t* told = wasm_global_type(global);
  CHECK(same_globaltype(told, type));
  wasm_globaltype_delete(told);
  wasm_globaltype_delete(type);
  wasm_global_delete(global);
  wasm_global_delete(other);
}

static void check_tables(void) {
  wasm_tabletype_t* type = tabletype();
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_ref_t* ref = wasm_foreign_as_ref(foreign);
  wasm_table_t* table = wasm_table_new(store, type, ref);
  wasm_table_t* other = wasm_table_new(store, type, NULL);
  CHECK_REF(table, table, other)
  CHECK_PART(table, extern, table)
  wasm_ref_t* element = wasm_table_get(table, 0);
  CHECK(wasm_ref_same(element, ref) && wasm_table_get(other, 0) == NULL);
  wasm_ref_delete(element);
  CHECK(wasm_table_get(table, 1) == NULL && wasm_table_size(table) == 1);
  CHECK(wasm_table_set(table, 0, NULL) && !wasm_table_set(table, 1, NULL));
  CHECK(wasm_table_get(table, 0) == NULL);
  CHECK(wasm_table_grow(table, 6, ref) && !wasm_table_grow(table, 1, ref));
  CHECK(wasm_table_size(table) == 7);
  wasm_tabletype_t* told = wasm_table_type(table);
  CHECK(wasm_tabletype_limits(told)->min == 7 && wasm_tabletype_limits(told)->max == 7);
  wasm_tabletype_delete(told);

  /* A table of functions takes no other reference. */
  wasm_tabletype_t* of_funcs = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  CHECK(wasm_table_new(store, of_funcs, ref) == NULL);
  CHECK(last_error_is("the reference is not of func"));
  wasm_tabletype_delete(of_funcs);
  wasm_limits_t turned = {2, 1};
  of_funcs = wasm_tabletype_new(wasm_valtype_new_funcref(), &turned);
  CHECK(wasm_table_new(store, of_funcs, NULL) == NULL);
  wasm_tabletype_delete(of_funcs);
  wasm_tabletype_delete(type);
  wasm_foreign_delete(foreign);
  wasm_table_delete(table);
  wasm_table_delete(other);
}

static void check_memories(void) {
  wasm_memorytype_t* type = memorytype();
  wasm_memory_t *memory = wasm_memory_new(store, type), *other = wasm_memory_new(store, type);
  CHECK_REF(memory, memory, other)
  CHECK_PART(memory, extern, memory)
  CHECK(wasm_memory_size(memory) == 1 && wasm_memory_data_size(memory) == MEMORY_PAGE_SIZE);
  byte_t* data = wasm_memory_data(memory);
  CHECK(data[0] == 0 && data[MEMORY_PAGE_SIZE - 1] == 0);
  data[3] = 4;
  CHECK(wasm_memory_grow(memory, 6) && !wasm_memory_grow(memory, 1));
  CHECK(wasm_memory_size(memory) == 7 && wasm_memory_data(memory)[3] == 4);
  wasm_memory_data(memory)[7 * MEMORY_PAGE_SIZE - 1] = 1;
  wasm_memorytype_t* told = wasm_memory_type(memory);
  CHECK(wasm_memorytype_limits(told)->min == 7);
  wasm_memorytype_delete(told);
  wasm_limits_t turned = {2, 1}, large = {65537, 0xffffffff};
  told = wasm_memorytype_new(&turned);
  CHECK(wasm_memory_new(store, told) == NULL);
  wasm_memorytype_delete(told);
  told = wasm_memorytype_new(&large);
  CHECK(wasm_memory_new(store, told) == NULL);
  wasm_memorytype_delete(told);
  CHECK(wasm_memory_data(NULL) == NULL && wasm_memory_data_size(NULL) == 0);
  wasm_memorytype_delete(type);
  wasm_memory_delete(memory);
  wasm_memory_delete(other);
}

/* ---- instances, external values, traps, frames ---------------------------------------------- */

static wasm_trap_t* fail(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  CHECK(args->data[0].of.i32 == 5);
  return wasm_trap_copy(env);
}

#define same_func_index(a, b) (wasm_frame_func_index(a) == wasm_frame_func_index(b))

static void check_frames(const wasm_trap_t* trap, const wasm_instance_t* instance) {
  wasm_frame_t *origin = wasm_trap_origin(trap), *copy = wasm_frame_copy(origin);
  CHECK(wasm_frame_func_index(copy) == 1 && wasm_frame_func_offset(copy) > 0);
  CHECK(wasm_frame_module_offset(copy) > wasm_frame_func_offset(copy));
  CHECK(wasm_instance_same(wasm_frame_instance(copy), instance));
  wasm_frame_vec_t trace;
  wasm_trap_trace(trap, &trace);
  CHECK(trace.size == 1 && same_func_index(trace.data[0], origin));
  wasm_frame_vec_delete(&trace);
  wasm_frame_delete(origin);
  CHECK_VEC(frame, wasm_frame_copy(copy), same_func_index)
  wasm_frame_delete(copy);
}

static void check_traps(void) {
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, "made");
  wasm_trap_t *trap = wasm_trap_new(store, &message), *other = wasm_trap_new(store, NULL);
  wasm_name_delete(&message);
  CHECK_REF(trap, trap, other)
  CHECK(message_is(trap, "made") && message_is(other, "") && message_is(NULL, ""));
  wasm_frame_vec_t trace;
  wasm_trap_trace(trap, &trace);
  CHECK(trace.size == 0 && wasm_trap_origin(trap) == NULL);
  wasm_trap_delete(other);

  wasm_functype_t* type = wasm_functype_new_1_0(i32());
  wasm_func_t* fails = wasm_func_new_with_env(store, type, fail, trap, NULL);
  wasm_functype_delete(type);
  wasm_extern_t* items[] = {wasm_func_as_extern(fails)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_module_t* module = load();
  wasm_trap_t* reason = trap;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, &reason);
  CHECK(instance != NULL && reason == NULL);
  wasm_instance_exports(instance, &exports);
  int32_t result;
  wasm_trap_t* ended = call(wasm_extern_as_func(exports.data[0]), 5, &result);
  CHECK(wasm_trap_same(ended, trap) && message_is(ended, "made"));
  check_frames(ended, instance);
  wasm_trap_delete(ended);

  wasm_func_delete(fails);
  wasm_module_delete(module);
  wasm_instance_delete(instance);
  wasm_extern_vec_delete(&exports);
  wasm_trap_delete(trap);
}

static wasm_trap_t* nothing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args, (void)results;
  return NULL;
}

/* The exports: calls, v128, anyref, exnref, global, table, memory, wide global, tag. */
static void check_exports(const wasm_extern_vec_t* exports) {
  wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_FUNC, WASM_EXTERN_FUNC,
    WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL, WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY,
    WASM_EXTERN_GLOBAL, WASSAY_EXTERN_TAG};
  CHECK(exports->size == 9);
  for (size_t n = 0; n < exports->size; ++n) {
    CHECK(wasm_extern_kind(exports->data[n]) == kinds[n]);
    wasm_externtype_t* type = wasm_extern_type(exports->data[n]);
    CHECK(wasm_externtype_kind(type) == kinds[n]);
    wasm_externtype_delete(type);
  }
  CHECK(wasm_extern_as_global(exports->data[0]) == NULL);
  CHECK(wasm_extern_as_func_const(exports->data[4]) == NULL);
  CHECK(wasm_extern_as_ref(exports->data[8]) != NULL);

  /* Vectors have no room in a value. */
  wasm_val_t value = WASM_I32_VAL(-9), got;
  wasm_val_vec_t args = {1, &value}, results = {1, &got};
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports->data[1]), &args, &results);
  CHECK(message_is(trap, "values of type v128 do not cross wasm.h"));
  wasm_trap_delete(trap);
  wasm_global_get(wasm_extern_as_global(exports->data[7]), &got);
  CHECK(got.kind == WASSAY_V128 && got.of.i64 == 0);

  /* Other references cross: an i31, and the exception of the tag. */
  CHECK(wasm_func_call(wasm_extern_as_func(exports->data[2]), &args, &results) == NULL);
  CHECK(got.kind == WASSAY_ANYREF && got.of.ref != NULL);
  wasm_ref_t* copy = wasm_ref_copy(got.of.ref);
  CHECK(wasm_ref_same(copy, got.of.ref) && wasm_ref_as_foreign(copy) == NULL);
  int count = 0;
  wasm_ref_set_host_info_with_finalizer(copy, &count, finalize);
  CHECK(count == 1 && wasm_ref_get_host_info(copy) == NULL);
  wasm_ref_delete(copy);
  wasm_val_delete(&got);
  CHECK(wasm_func_call(wasm_extern_as_func(exports->data[3]), &args, &results) == NULL);
  CHECK(got.kind == WASSAY_EXNREF && got.of.ref != NULL);
  wasm_val_delete(&got);
}

static void check_instances(void) {
  wasm_functype_t* type = wasm_functype_new_1_0(i32());
  wasm_func_t* func = wasm_func_new(store, type, nothing);
  wasm_functype_delete(type);
  wasm_module_t* module = load();
  wasm_extern_t* items[] = {wasm_func_as_extern(func)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), none = WASM_EMPTY_VEC, exports;
  wasm_instance_t* instance = wasm_instance_new(store, module, &imports, NULL);
  wasm_instance_t* other = wasm_instance_new(store, module, &imports, NULL);
  CHECK_REF(instance, instance, other)
  wasm_instance_exports(instance, &exports);
  check_exports(&exports);
  CHECK_REF(extern, exports.data[4], exports.data[5])
  CHECK_VEC(extern, wasm_extern_copy(exports.data[6]), wasm_extern_same)

  /* Imports that are missing, of another kind, or of another store. */
  wasm_trap_t* trap;
  CHECK(wasm_instance_new(store, module, &none, &trap) == NULL);
  CHECK(message_is(trap, "wrong use: 1 imports are wanted, 0 were given"));
  wasm_trap_delete(trap);
  items[0] = exports.data[6];
  CHECK(wasm_instance_new(store, module, &imports, &trap) == NULL && trap != NULL);
  wasm_trap_delete(trap);
  wasm_store_t* another = wasm_store_new(engine);
  items[0] = wasm_func_as_extern(func);
  CHECK(wasm_instance_new(another, module, &imports, &trap) == NULL && trap != NULL);
  wasm_trap_delete(trap);
  wasm_store_delete(another);
  CHECK(wasm_instance_new(NULL, module, &none, &trap) == NULL);
  wasm_extern_vec_t empty;
  wasm_instance_exports(NULL, &empty);
  CHECK(empty.size == 0);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_instance_delete(other);
  wasm_module_delete(module);
  wasm_func_delete(func);
}

static void check_foreign(void) {
  wasm_foreign_t *one = wasm_foreign_new(store), *other = wasm_foreign_new(store);
  CHECK_REF(foreign, one, other)
  wasm_ref_t *ref = wasm_foreign_as_ref(one), *other_ref = wasm_foreign_as_ref(other);
  wasm_foreign_set_host_info(one, NULL);
  CHECK_REF_BASE(ref, ref, other_ref)
  wasm_foreign_delete(one);
  wasm_foreign_delete(other);
}

/* ---- configurations ------------------------------------------------------------------------- */

static bool has_all_features(bool all) {
  /* A memory whose pages have one byte. */
  wasm_byte_vec_t bytes = {14, "\0asm\1\0\0\0\5\4\1\x08\1\0"};
  wasm_config_t* config = wasm_config_new();
  wassay_config_set_all_features(config, all);
  wasm_engine_t* other = wasm_engine_new_with_config(config);
  wasm_store_t* another = wasm_store_new(other);
  bool valid = wasm_module_validate(another, &bytes);
  wasm_store_delete(another);
  wasm_engine_delete(other);
  return valid;
}

static void check_configurations(void) {
  wasm_config_delete(wasm_config_new());
  wasm_config_delete(NULL);
  CHECK(wasm_engine_new_with_config(NULL) == NULL && wasm_store_new(NULL) == NULL);
  wassay_tier_t tiers[] = {WASSAY_STACK, WASSAY_REGISTER, 200};
  for (size_t n = 0; n < sizeof tiers; ++n) {
    wasm_config_t* config = wasm_config_new();
    wassay_config_set_tier(config, tiers[n]);
    wasm_engine_t* other = wasm_engine_new_with_config(config);
    CHECK(other != NULL);
    wasm_engine_delete(other);
  }
  CHECK(strlen(wassay_version()) > 4);
  CHECK(has_all_features(true) && !has_all_features(false));
  wasm_engine_delete(NULL);
  wasm_store_delete(NULL);
}

int main(void) {
  engine = wasm_engine_new();
  store = wasm_store_new(engine);
  check_configurations();
  check_bytes();
  check_values();
  check_types();
  check_modules();
  check_funcs();
  check_globals();
  check_tables();
  check_memories();
  check_traps();
  check_instances();
  check_foreign();
  int before = finalized;
  wasm_store_delete(store);
  /* What ended with the store: a function, a global, a table, a memory, an instance, an extern. */
  CHECK(finalized == before + 6);
  wasm_engine_delete(engine);
  return 0;
}
