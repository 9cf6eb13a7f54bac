import { mkdirSync } from "node:fs";
import { expect } from "@playwright/test";
import { everyPlace } from "../support/places.ts";
import { open, test } from "../support/studio.ts";

const folder = process.env.SCREENSHOTS ?? "../target/screenshots";
const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
];

test("every page, three widths, both themes", async ({ as, api, browser, server }) => {
  mkdirSync(folder, { recursive: true });
  const anonymous = await (await browser.newContext({ baseURL: server.url })).newPage();
  const admin = await as("admin");
  const places = [{ name: "Sign in", path: "/sign-in", page: anonymous }];
  for (const place of await everyPlace(api("admin"))) {
    // The author may edit, so the editor is shown in full.
    const page = place.name === "Draft" || place.name === "Studio" ? await as("author") : admin;
    places.push({ ...place, page });
  }
  for (const { name, path, page } of places) {
    for (const size of SIZES) {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await open(page, path);
        await expect(page.locator(".skeleton")).toHaveCount(0);
        const file = `${name.toLowerCase().replaceAll(" ", "-")}-${size.width}-${colorScheme}.png`;
        await page.screenshot({ path: `${folder}/${file}`, fullPage: size.width === 360 });
      }
    }
  }
});
