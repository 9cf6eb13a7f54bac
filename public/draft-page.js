// The editor's analysis on the page itself, where there are no web workers: the page gets one end of a channel, once now
// and again whenever it asks.
import init, { start } from "/pkg/worker.js";

await init({ module_or_path: "/pkg/worker.wasm" });
const open = () => {
  const { port1, port2 } = new MessageChannel();
  dispatchEvent(new CustomEvent("draft-session", { detail: port2 }));
  start(port1, true);
};
addEventListener("draft-session-wanted", open);
open();
