import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser.ts";

/** Not tests: durations in the browser, for the results of the benchmark. */
export default defineConfig({
  testDir: "measure",
  outputDir: "test-results",
  workers: 1,
  timeout: 300_000,
  reporter: [["list"]],
  use: browser,
});
