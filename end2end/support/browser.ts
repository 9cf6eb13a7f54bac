import type { PlaywrightTestConfig } from "@playwright/test";

/** The system's Chromium, quiet about everything but our own server. */
export const browser: NonNullable<PlaywrightTestConfig["use"]> = {
  viewport: { width: 1280, height: 800 },
  actionTimeout: 20_000,
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  },
};
