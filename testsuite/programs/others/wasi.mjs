// Runs a WASI program in V8, with the WASI of Node.js: what our tiers print is compared with it.
//   node wasi.mjs FOLDER=GUEST .. -- FILE.wasm ARGS..
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const words = process.argv.slice(2);
const end = words.indexOf("--");
const preopens = {};
for (const word of words.slice(0, end)) {
    const [host, guest] = word.split("=");
    preopens[guest] = host;
}
const args = words.slice(end + 1);
const wasi = new WASI({ version: "preview1", args, preopens, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(args[0]));
const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport });
process.exitCode = wasi.start(instance);
