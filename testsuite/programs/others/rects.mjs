// Renders the SVG of standard input by resvg-wasm as its makers mean it, in V8:
//   node rects.mjs PACKAGE < rects.svg > rects.png
import { readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]);
const { initWasm, Resvg } = await import(pathToFileURL(join(folder, "index.mjs")).href);
await initWasm(readFileSync(join(folder, "index_bg.wasm")));
writeSync(1, new Resvg(readFileSync(0, "utf8")).render().asPng());
