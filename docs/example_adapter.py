#!/usr/bin/env python3
"""The example of docs/engine-protocol.md: Wasmtime through its Python package, as an adapter.

    pip install wasmtime
    python3 example_adapter.py

Floats and vectors cross as integers: Python's floats lose the bits of NaNs, and the package has no
vectors, so both are named in `lacks` and the harness sends helper modules for them.
"""
import base64
import json
import sys
from importlib.metadata import version

import wasmtime
from wasmtime import TrapCode as T

TRAPS = {
    T.MEMORY_OUT_OF_BOUNDS: "out of bounds memory access",
    T.HEAP_MISALIGNED: "unaligned atomic",
    T.TABLE_OUT_OF_BOUNDS: "undefined element | out of bounds table access",
    T.INDIRECT_CALL_TO_NULL: "uninitialized element",
    T.BAD_SIGNATURE: "indirect call type mismatch",
    T.INTEGER_OVERFLOW: "integer overflow",
    T.INTEGER_DIVISION_BY_ZERO: "integer divide by zero",
    T.BAD_CONVERSION_TO_INTEGER: "invalid conversion to integer",
    T.UNREACHABLE: "unreachable",
    T.ATOMIC_WAIT_NON_SHARED_MEMORY: "expected shared memory",
    T.NULL_REFERENCE: "null reference | null function reference | null structure reference | "
    "null array reference | null i31 reference | null exception reference",
    T.ARRAY_OUT_OF_BOUNDS: "out of bounds array access",
    T.ALLOCATION_TOO_LARGE: "allocation size too large",
    T.CAST_FAILURE: "cast failure",
}
PROPOSALS = ("exceptions function_references gc memory64 multi_memory relaxed_simd tail_call threads "
             "wide_arithmetic custom_page_sizes")


# The package has no values of other types; it calls externref `anyref`.
CROSSING = {"i32", "i64", "externref", "funcref", "anyref"}


class Unsupported(Exception):
    """What this adapter does not do."""


class Adapter:
    """An engine, and the script at hand: its store, modules, instances and names."""

    def __init__(self):
        config = wasmtime.Config()
        for proposal in PROPOSALS.split():
            setattr(config, "wasm_" + proposal, True)
        config.shared_memory = True
        self.engine = wasmtime.Engine(config)

    def hello(self, protocol):
        return dict(ending="ready", protocol=1, engine="wasmtime", version=version("wasmtime"),
                    lacks=["v128", "nan_bits"])

    def reset(self):
        self.store = wasmtime.Store(self.engine)
        self.linker = wasmtime.Linker(self.engine)
        self.linker.allow_shadowing = True
        self.modules, self.instances = {}, {}
        return dict(ending="ok")

    def module(self, module, bytes):
        try:
            self.modules[module] = wasmtime.Module(self.engine, base64.b64decode(bytes))
        except wasmtime.WasmtimeError as error:
            # Wasmtime does not tell what does not decode from what does not validate.
            return dict(ending="rejected", message=str(error))
        return dict(ending="ok")

    def instantiate(self, module, instance):
        try:
            self.instances[instance] = self.linker.instantiate(self.store, self.modules[module])
        except wasmtime.WasmtimeError as error:
            if "import" in str(error):
                return dict(ending="unlinkable", message=str(error))
            raise
        return dict(ending="ok")

    def register(self, instance, name):
        self.linker.define_instance(self.store, name, self.instances[instance])
        return dict(ending="ok")

    def invoke(self, instance, export, args):
        func = self.instances[instance].exports(self.store).get(export)
        if not isinstance(func, wasmtime.Func):
            return dict(ending="host_error", message=f"no function {export}")
        results = [str(type) for type in func.type(self.store).results]
        if not set(results) <= CROSSING:
            raise Unsupported(f"results of type {results}")
        values = func(self.store, *map(from_text, args))
        values = values if isinstance(values, list) else [values][: len(results)]
        return dict(ending="values", values=[*map(to_text, values, results)])

    def get(self, instance, export):
        value = self.instances[instance].exports(self.store)[export]
        type = str(value.type(self.store).content)
        return dict(ending="values", values=[to_text(value.value(self.store), type)])

    def answer(self, request):
        operation = getattr(self, request.pop("op"))
        try:
            return operation(**request)
        except wasmtime.Trap as trap:
            if trap.trap_code == T.STACK_OVERFLOW:
                return dict(ending="exhaustion", message=trap.message)
            if "thrown Wasm exception" in trap.message:
                return dict(ending="exception", message=trap.message)
            return dict(ending="trap", message=TRAPS.get(trap.trap_code, trap.message))
        except Unsupported as error:
            return dict(ending="unsupported", message=str(error))
        except wasmtime.WasmtimeError as error:
            return dict(ending="internal", message=str(error))


def from_text(text):
    kind, bits = text.split(":")
    if kind in ("i32", "i64"):
        width = int(kind[1:])
        value = int(bits, 16)
        return value - (1 << width) if value >> (width - 1) else value
    if kind == "extern":
        return wasmtime.Val.externref(int(bits))
    if kind == "null" and bits in ("extern", "func"):
        return getattr(wasmtime.Val, bits + "ref")(None)
    raise Unsupported(f"arguments of kind {text}")


def to_text(value, type):
    if type in ("i32", "i64"):
        width = int(type[1:])
        return f"{type}:0x{value & (1 << width) - 1:0{width // 4}x}"
    if type in CROSSING:
        kind = "func" if type == "funcref" else "extern"
        number = "" if kind == "func" else value
        return f"null:{kind}" if value is None else f"{kind}:{number}"
    raise Unsupported(f"results of type {type}")


adapter = Adapter()
for line in sys.stdin:
    request = json.loads(line)
    number = request.pop("id")
    print(json.dumps(dict(id=number, **adapter.answer(request))), flush=True)
