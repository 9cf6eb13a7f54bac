import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { everyPlace } from "../support/places.ts";
import { expect, open, test } from "../support/studio.ts";

const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };

/** Runs axe in both themes, and checks that nothing is wider than the window, on a phone and on a desktop. */
async function expectAccessible(page: Page, what: string): Promise<void> {
  for (const size of [DESKTOP, PHONE]) {
    await page.setViewportSize(size);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(overflow, `${what} is wider than ${size.width} px`).toBeLessThanOrEqual(0);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // Elements that pass are not listed: describing thousands of them takes minutes on a long page.
      const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] });
      // The themes differ in colors only, so in the second one only the rules about colors run.
      if (colorScheme === "dark") axe.withRules(["color-contrast", "link-in-text-block"]);
      const { violations } = await axe.analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
      expect.soft(found, `${what}, ${colorScheme}, ${size.width} px`).toEqual([]);
    }
  }
}

test("the sign-in page is accessible and fits", async ({ page, troubles: _ }) => {
  await open(page, "/sign-in");
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expectAccessible(page, "Sign in");
});

test("the page about the HTTP API is accessible and fits, and needs no sign-in", async ({ page, troubles: _ }) => {
  // The page is long, and axe runs four times.
  test.setTimeout(600_000);
  const response = await page.goto("/docs");
  expect(response?.status()).toBe(200);
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expectAccessible(page, "HTTP API");
});

test("every page is accessible and fits in both themes, on a phone and on a desktop", async ({ as, api }) => {
  // There are many pages, and axe runs four times on each.
  test.setTimeout(600_000);
  const page = await as("admin");
  for (const { name, path } of await everyPlace(api("admin"))) {
    await test.step(name, async () => {
      await page.setViewportSize(DESKTOP);
      await open(page, path);
      await expect.soft(page.getByRole("heading", { level: 1 }), `one h1 on ${name}`).toHaveCount(1);
      await expectAccessible(page, name);
    });
  }
});

test("the eight links of the rail open without a reload", async ({ as }) => {
  const page = await as("runtime_owner");
  await open(page, "/");
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  for (const name of ["Studio", "Reviews", "Rollouts", "Decisions", "Incidents", "Audit", "Settings", "Home"]) {
    await page.getByRole("navigation").first().getByRole("link", { name: new RegExp(`^${name}`) }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  }
  expect(await page.evaluate(() => "sameDocument" in window), "the document was not reloaded").toBe(true);
});

test("an unknown address says so and leads back", async ({ as, troubles }) => {
  troubles.expect(/status of 404/);
  const page = await as("viewer");
  const response = await page.goto("/no/such/page");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("link", { name: /home/i }).first()).toBeVisible();
});
