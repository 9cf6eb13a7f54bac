// The web worker of the editor: what is worked out beside the page. The rest is the WebAssembly module.
import init, { start } from "/pkg/worker.js";

await init({ module_or_path: "/pkg/worker.wasm" });
start();
