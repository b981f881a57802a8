// The adapter of engines with the JavaScript API (node, bun, ...): docs/engine-protocol.md.
//
// Values that JavaScript cannot carry (vectors, the bits of a NaN, kinds of references) are named as lacking; the rest
// is translated. Messages of traps are translated to those of the specification by a table; where
// an engine does not tell which of several, all of them are given.
import { readSync, writeSync } from "node:fs";

const isBun = typeof Bun !== "undefined";
const engine = isBun ? "JavaScriptCore" : "V8";
const version = isBun ? Bun.version : process.versions.v8;

// Engine messages, by their beginning or a part, and the specification's.
const NULLS = "null reference | null function reference | null structure reference | null array reference | "
  + "null i31 reference | null exception reference | null descriptor reference";
const TRAPS = [
  [/unreachable/i, "unreachable"],
  [/out of bounds or failed to allocate in array\.new_data/i, "out of bounds memory access"],
  [/out of bounds or failed to allocate in array\.new_elem/i, "out of bounds table access"],
  [/out of bounds array\.init_data/i, "out of bounds array access | out of bounds memory access"],
  [/out of bounds array\.init_elem/i, "out of bounds array access | out of bounds table access"],
  [/out of bounds array|array element access|array index/i, "out of bounds array access"],
  [/memory access out of bounds|out of bounds memory|data segment/i, "out of bounds memory access | out of bounds array access"],
  [/divide by zero|division by zero|remainder by zero/i, "integer divide by zero"],
  [/divide result unrepresentable|result unrepresentable|integer overflow/i, "integer overflow"],
  [/float unrepresentable|out of bounds trunc|trunc/i, "invalid conversion to integer | integer overflow"],
  [/table index is out of bounds|out of bounds call_indirect|out of bounds table|table.*out of bounds|element segment/i,
    "undefined element | out of bounds table access | out of bounds array access"],
  [/function signature mismatch|indirect call signature|call_indirect to a (null|signature)|null function/i,
    "uninitialized element | indirect call type mismatch"],
  [/dereferencing a null|rethrowing null|null reference|null pointer|null (object|func|array|struct)|to null/i, NULLS],
  [/illegal cast|cast failure|ref\.cast|cast/i, "cast failure | descriptor cast failure"],
  [/array is too large|failed to allocate/i, "allocation size too large | out of bounds memory access | out of bounds table access"],
  [/unaligned|alignment/i, "unaligned atomic"],
  [/Atomics\.wait|non-shared|shared memory/i, "expected shared memory"],
];

const hosts = new Map(); // number to object, for `extern` and `host`
const numbers = new Map();
function host(number) {
  if (!hosts.has(number)) {
    const object = { host: number };
    hosts.set(number, object);
    numbers.set(object, number);
  }
  return hosts.get(number);
}

let modules, instances, registered;
function reset() {
  [modules, instances, registered] = [new Map(), new Map(), {}];
}
reset();

const scratch = new DataView(new ArrayBuffer(8));
const hex = (value, digits) => "0x" + BigInt.asUintN(digits * 4, BigInt(value)).toString(16).padStart(digits, "0");

function toJs(text) {
  const [kind, rest] = text.split(":");
  switch (kind) {
    case "i32": return Number(BigInt.asIntN(32, BigInt(rest)));
    case "i64": return BigInt.asIntN(64, BigInt(rest));
    case "f32": scratch.setUint32(0, Number(rest)); return scratch.getFloat32(0);
    case "f64": scratch.setBigUint64(0, BigInt(rest)); return scratch.getFloat64(0);
    case "null": return null;
    case "extern":
    case "host": return host(Number(rest));
    default: throw { ending: "unsupported", message: `arguments of kind ${kind}` };
  }
}

// The types of what a module exports, read from its bytes by the harness's own words: JavaScript
// does not tell them, so that each module's type, import, function, global and export sections are
// read here.
function exportTypes(bytes) {
  let at = 8;
  const u8 = () => bytes[at++];
  const leb = () => { let v = 0n, s = 0n, b; do { b = u8(); v |= BigInt(b & 127) << s; s += 7n; } while (b & 128); return Number(v); };
  const sleb = () => { let v = 0n, s = 0n, b; do { b = u8(); v |= BigInt(b & 127) << s; s += 7n; } while (b & 128); return Number(BigInt.asIntN(Number(s), v)); };
  const name = () => { const n = leb(); const s = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(at, at + n)); at += n; return s; };
  const ABSTRACT = { 0x70: "func", 0x73: "func", 0x6f: "extern", 0x72: "extern", 0x6e: "any", 0x6d: "any", 0x6c: "i31", 0x6b: "struct", 0x6a: "array", 0x71: "any", 0x69: "exn", 0x74: "exn" };
  const heap = () => { if (bytes[at] === 0x62) at++; const h = sleb(); return h < 0 ? ABSTRACT[h & 0x7f] ?? "any" : types[h]?.kind ?? "any"; };
  const val = () => {
    const b = u8();
    switch (b) {
      case 0x7f: return "i32"; case 0x7e: return "i64"; case 0x7d: return "f32"; case 0x7c: return "f64"; case 0x7b: return "v128";
      case 0x63: case 0x64: return heap();
      case 0x78: case 0x77: return b === 0x78 ? "i8" : "i16";
      default: return ABSTRACT[b] ?? "any";
    }
  };
  const types = [], funcs = [], globals = [], exports = new Map();
  const field = () => { val(); u8(); };
  const comp = () => {
    const b = u8();
    if (b === 0x50 || b === 0x4f) { for (let n = leb(); n; n--) leb(); return comp(); }
    if (b === 0x4c || b === 0x4d) { leb(); return comp(); }
    if (b === 0x60) {
      const params = [], results = [];
      types.push({ kind: "func", params, results });
      for (let n = leb(); n; n--) params.push(val());
      for (let n = leb(); n; n--) results.push(val());
      return;
    }
    types.push({ kind: b === 0x5e ? "array" : "struct" });
    if (b === 0x5e) field(); else for (let n = leb(); n; n--) field();
  };
  const limits = () => { const f = u8(); leb(); if (f & 1) leb(); if (f & 8) leb(); };
  while (at < bytes.length) {
    const id = u8(), size = leb(), end = at + size;
    if (id === 1) for (let n = leb(); n; n--) { if (bytes[at] === 0x4e) { at++; for (let m = leb(); m; m--) comp(); } else comp(); }
    else if (id === 2) for (let n = leb(); n; n--) {
      name(); name();
      const kind = u8();
      if (kind === 0 || kind === 0x20) funcs.push(leb());
      else if (kind === 1) { val(); limits(); }
      else if (kind === 2) limits();
      else if (kind === 3) { globals.push(val()); u8(); }
      else { u8(); leb(); }
    }
    else if (id === 3) for (let n = leb(); n; n--) funcs.push(leb());
    else if (id === 6) { globalsAt(end); }
    else if (id === 7) for (let n = leb(); n; n--) {
      const text = name(), kind = u8(), index = leb();
      exports.set(text, kind === 0 ? { func: index } : kind === 3 ? { global: index } : {});
    }
    at = end;
  }
  function globalsAt(end) {
    // A constant expression is skipped by its instructions.
    for (let n = leb(); n && at < end; n--) {
      globals.push(val()); u8();
      for (let op; (op = u8()) !== 0x0b;) {
        if (op === 0x41) sleb(); else if (op === 0x42) sleb();
        else if (op === 0x43) at += 4; else if (op === 0x44) at += 8;
        else if (op === 0x23 || op === 0xd2) leb();
        else if (op === 0xd0) sleb();
        else if (op === 0xfd) { leb(); at += 16; }
        else if (op === 0xfb) { const sub = leb(); if (sub < 28 && sub !== 15) { leb(); if (sub === 8) leb(); } }
        else if (![0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].includes(op)) return;
      }
    }
  }
  for (const [text, { func, global }] of exports) {
    exports.set(text, func !== undefined ? types[funcs[func]] : global !== undefined ? globals[global] : undefined);
  }
  return exports;
}

function fromJs(value, type) {
  switch (type) {
    case "i32": return "i32:" + hex(value, 8);
    case "i64": return "i64:" + hex(value, 16);
    case "f32": scratch.setFloat32(0, value); return "f32:" + hex(scratch.getUint32(0), 8);
    case "f64": scratch.setFloat64(0, value); return "f64:" + hex(scratch.getBigUint64(0), 16);
  }
  if (value === null) return `null:${type ?? ""}`;
  if (type === "extern") return numbers.has(value) ? `extern:${numbers.get(value)}` : "extern:";
  if (type === "func") return "func:";
  if (type === "exn" || type === "struct" || type === "array") return `${type}:`;
  if (numbers.has(value)) return `host:${numbers.get(value)}`;
  if (typeof value === "number") return "i31:" + hex(value & 0x7fffffff, 8);
  return "any:";
}

function ended(error) {
  if (error?.ending) return error;
  const message = String(error?.message ?? error);
  if (error instanceof WebAssembly.RuntimeError || (isBun && /wasm/i.test(message) && error instanceof Error)) {
    const trap = TRAPS.find(([pattern]) => pattern.test(message));
    return { ending: "trap", message: trap ? trap[1] : message };
  }
  if (error instanceof RangeError && /call stack|recursion/i.test(message)) return { ending: "exhaustion", message };
  if (error instanceof RangeError) return { ending: "limit", message };
  if (error instanceof WebAssembly.LinkError) return { ending: "unlinkable", message };
  if (error instanceof WebAssembly.CompileError) return { ending: "rejected", message };
  if (WebAssembly.Exception && error instanceof WebAssembly.Exception) return { ending: "exception", message: "an exception" };
  if (error instanceof TypeError && /import/i.test(message)) return { ending: "unlinkable", message };
  if (error instanceof TypeError && /type incompatibility|exnref|v128|pass|invalid/i.test(message)) return { ending: "unsupported", message };
  return { ending: "host_error", message };
}

const OPERATIONS = {
  hello: ({ protocol }) => protocol === 1
    ? { ending: "ready", protocol: 1, engine, version, lacks: ["v128", "nan_bits", "references"] }
    : { ending: "unavailable", message: `protocol ${protocol}` },
  reset: () => { reset(); return { ending: "ok" }; },
  module({ module, bytes }) {
    const binary = new Uint8Array(Buffer.from(bytes, "base64"));
    const compiled = new WebAssembly.Module(binary);
    modules.set(module, { compiled, types: exportTypes(binary) });
    return { ending: "ok" };
  },
  instantiate({ module, instance }) {
    const { compiled, types } = modules.get(module);
    const exports = new WebAssembly.Instance(compiled, registered).exports;
    instances.set(instance, { exports, types });
    return { ending: "ok" };
  },
  register({ instance, name }) {
    registered[name] = instances.get(instance).exports;
    return { ending: "ok" };
  },
  invoke({ instance, export: name, args }) {
    const { exports, types } = instances.get(instance);
    const callee = exports[name];
    if (typeof callee !== "function") return { ending: "host_error", message: `no function ${name}` };
    const results = types.get(name)?.results ?? [];
    const params = types.get(name)?.params ?? [];
    if ([...params, ...results].includes("v128")) return { ending: "unsupported", message: "vectors across JavaScript" };
    const result = callee(...args.map(toJs));
    const values = results.length === 0 ? [] : results.length === 1 ? [result] : [...result];
    return { ending: "values", values: values.map((value, index) => fromJs(value, results[index])) };
  },
  get({ instance, export: name }) {
    const { exports, types } = instances.get(instance);
    if (types.get(name) === "v128") return { ending: "unsupported", message: "vectors across JavaScript" };
    return { ending: "values", values: [fromJs(exports[name].value, types.get(name))] };
  },
};

function answer(line) {
  const request = JSON.parse(line);
  let ending;
  try {
    ending = OPERATIONS[request.op](request);
  } catch (error) {
    ending = ended(error);
  }
  return JSON.stringify({ id: request.id, ...ending }) + "\n";
}

function write(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try { at += writeSync(1, bytes, at); } catch (error) { if (error.code !== "EAGAIN") throw error; }
  }
}

// Requests are read synchronously, so that a call that uses the whole stack starts from its end.
const chunk = Buffer.alloc(1 << 16);
let rest = Buffer.alloc(0);
for (;;) {
  let read;
  try { read = readSync(0, chunk, 0, chunk.length, null); } catch (error) { if (error.code === "EAGAIN") continue; if (error.code === "EOF") break; throw error; }
  if (read === 0) break;
  rest = Buffer.concat([rest, chunk.subarray(0, read)]);
  for (let end; (end = rest.indexOf(10)) >= 0; rest = rest.subarray(end + 1)) {
    write(answer(rest.subarray(0, end).toString()));
  }
}
