/* What Wassay offers beyond the standard C API. */
#ifndef WASSAY_H
#define WASSAY_H

#include "wasm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, as a string that stays. */
WASM_API_EXTERN const char* wassay_version(void);

/* Kinds of value types that the standard does not have. References cross as `wasm_ref_t`; a v128
 * has no room in a `wasm_val_t`, so that functions and globals with one are told of and linked, and
 * not called, read or written. The store keeps an object of the collected heap that C has got as
 * long as it lives, or until the callback returns in which C has got it: then the reference is
 * refused. */
enum wassay_valkind_enum {
  WASSAY_V128 = 4,
  WASSAY_ANYREF = 130, /* structures, arrays, i31 */
  WASSAY_EXNREF,
};

/* The kind of a tag as an external value: it can be imported and exported. */
enum wassay_externkind_enum {
  WASSAY_EXTERN_TAG = 4,
};

/* The tier that runs all functions of an engine. `WASSAY_TIERED` begins in the register interpreter
 * and compiles what is hot; it is the default where the JIT's code (ARM64) can run. */
typedef uint8_t wassay_tier_t;
enum wassay_tier_enum {
  WASSAY_STACK,
  WASSAY_REGISTER,
  WASSAY_JIT,
  WASSAY_TIERED,
};

/* Sets the tier. An unknown one leaves the configuration as it is. */
WASM_API_EXTERN void wassay_config_set_tier(wasm_config_t*, wassay_tier_t);

/* Sets the features that modules may use: all that the tiers execute, or else WebAssembly 3.0,
 * which is the default. */
WASM_API_EXTERN void wassay_config_set_all_features(wasm_config_t*, bool all);

/* The reason of the last failure on this thread of a function that tells it by null or false
 * only. The message, with a zero at its end, is the caller's to delete. */
WASM_API_EXTERN void wassay_last_error_message(wasm_message_t* out);

#ifdef __cplusplus
}
#endif

#endif
