import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser.ts";

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // Every worker starts its own server with its own database.
  workers: 2,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  // The tests that measure time run first and alone.
  projects: [
    { name: "timed", testMatch: "story.spec.ts" },
    { name: "rest", testIgnore: "story.spec.ts", dependencies: ["timed"] },
  ],
  use: { ...browser, trace: "retain-on-failure", screenshot: "only-on-failure" },
});
