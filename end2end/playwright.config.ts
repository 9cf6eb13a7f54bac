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
  // What measures time, and what needs every core, runs first and alone.
  projects: [
    { name: "timed", testMatch: "story.spec.ts" },
    { name: "large", testMatch: "large.spec.ts", dependencies: ["timed"] },
    { name: "rest", testIgnore: ["story.spec.ts", "large.spec.ts"], dependencies: ["large"] },
  ],
  use: { ...browser, trace: "retain-on-failure", screenshot: "only-on-failure" },
});
