import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser.ts";

/** Not tests: screenshots of every page, for people to look at. */
export default defineConfig({
  testDir: "screenshots",
  outputDir: "test-results",
  workers: 1,
  timeout: 300_000,
  reporter: [["list"]],
  use: browser,
});
