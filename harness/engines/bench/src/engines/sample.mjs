// A sample of an engine that runs JavaScript, as `wassay-bench one` takes it of the others:
//     node sample.mjs FILE EXPORT
// Compiles a module, instantiates it, calls an export with zeros, and prints the processor time of
// each and the result. A program of WASI has the engine's own functions; what it writes is taken
// from a file.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [file, name] = process.argv.slice(2);
const phases = {};
let last;

function endPhase(phase) {
    const now = process.cpuUsage();
    if (phase !== undefined) {
        phases[phase] = { user: (now.user - last.user) / 1e6, system: (now.system - last.system) / 1e6 };
    }
    last = now;
}

function textOf(value) {
    if (typeof value === "bigint") return BigInt.asUintN(64, value).toString();
    return typeof value === "number" ? String(value >>> 0) : null;
}

const bytes = readFileSync(file);
const isProgram = name === "_start";
const folder = mkdtempSync(join(tmpdir(), "wassay-bench-"));
const written = join(folder, "stdout");
const stdout = openSync(written, "w");
let result = null;
// A program of WASI ends the process in Bun, so that the sample is printed at the end of either.
process.on("exit", (code) => {
    if (isProgram && code === 0) {
        if (phases.call === undefined) endPhase("call");
        result = readFileSync(written, "utf8");
    }
    closeSync(stdout);
    rmSync(folder, { recursive: true });
    if (code === 0) {
        const none = { load_instructions: null, call_instructions: null };
        console.log(JSON.stringify({ phases, result, ...none }));
    }
});
const imports = {};
let wasi;
if (isProgram) {
    const { WASI } = await import("node:wasi");
    wasi = new WASI({ version: "preview1", args: ["program"], stdout, stderr: stdout });
    imports.wasi_snapshot_preview1 = wasi.wasiImport;
}
endPhase();
const module = new WebAssembly.Module(bytes);
endPhase("compile");
const instance = new WebAssembly.Instance(module, imports);
endPhase("instantiate");
if (isProgram) {
    const code = wasi.start(instance);
    endPhase("call");
    if (code) throw new Error(`exit code ${code}`);
} else {
    const value = instance.exports[name]();
    endPhase("call");
    result = textOf(value);
}
