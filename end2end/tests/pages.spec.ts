import { DESKTOP, expectAccessible } from "../support/accessible.ts";
import { everyPlace } from "../support/places.ts";
import { expect, open, test } from "../support/studio.ts";

test("the sign-in page is accessible and fits", async ({ page, troubles: _ }) => {
  await open(page, "/sign-in");
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expectAccessible(page, "Sign in");
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

test("the nine links of the rail open without a reload", async ({ as }) => {
  const page = await as("runtime_owner");
  await open(page, "/");
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  for (const name of ["Approvals", "Studio", "Reviews", "Rollouts", "Decisions", "Incidents", "Audit", "Settings", "Home"]) {
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
