// The web worker of the editor: starts the WebAssembly module that analyses the draft.
import init, { start } from "/pkg/worker.js";

await init({ module_or_path: "/pkg/worker.wasm" });
start(self, false);
