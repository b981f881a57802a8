/* One module in several threads, each with a store of its own. */
#include <pthread.h>

#include "example.h"

enum { THREADS = 8, TURNS = 5 };

struct task {
  wasm_engine_t* engine;
  const wasm_shared_module_t* shared;
  int32_t id;
  int64_t told;
};

static wasm_trap_t* tell(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)results;
  ((struct task*)env)->told += args->data[0].of.i32;
  return NULL;
}

static void turn(struct task* task) {
  wasm_store_t* store = wasm_store_new(task->engine);
  wasm_module_t* module = wasm_module_obtain(store, task->shared);

  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* tells = wasm_func_new_with_env(store, type, tell, task, NULL);
  wasm_functype_delete(type);
  wasm_globaltype_t* number = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
  wasm_global_t* id = wasm_global_new(store, number, &(wasm_val_t)WASM_I32_VAL(task->id));
  wasm_globaltype_delete(number);

  wasm_extern_t* items[] = {wasm_global_as_extern(id), wasm_func_as_extern(tells)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_instance_t* instance = instantiate(store, module, &imports, &exports);
  int32_t count = 100;
  expect(call_i32(exports.data[0], 1, &count) == task->id * 5050, "the sum");

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_global_delete(id);
  wasm_func_delete(tells);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

static void* run(void* task) {
  for (int n = 0; n < TURNS; ++n) turn(task);
  return NULL;
}

int main(int argc, char** argv) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = load(store, argc, argv);
  wasm_shared_module_t* shared = wasm_module_share(module);
  wasm_module_delete(module);
  wasm_store_delete(store);

  pthread_t threads[THREADS];
  struct task tasks[THREADS];
  for (int n = 0; n < THREADS; ++n) {
    tasks[n] = (struct task){engine, shared, n, 0};
    expect(pthread_create(&threads[n], NULL, run, &tasks[n]) == 0, "pthread_create");
  }
  for (int n = 0; n < THREADS; ++n) {
    pthread_join(threads[n], NULL);
    printf("thread %d told %" PRId64 "\n", n, tasks[n].told);
  }
  wasm_shared_module_delete(shared);
  wasm_engine_delete(engine);
  return 0;
}
