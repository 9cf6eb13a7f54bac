import { DESKTOP, expectAccessible, expectFits, expectNoViolations } from "../support/accessible.ts";
import { expect, test } from "../support/studio.ts";

test("the pages about the HTTP API are accessible and fit, and need no sign-in", async ({ page, troubles: _ }) => {
  // Axe takes a while on long pages.
  test.setTimeout(600_000);
  await page.goto("/docs");
  const contents = page.getByRole("navigation", { name: "Contents" }).getByRole("listitem").getByRole("link");
  const paths = await contents.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  expect(paths.length).toBeGreaterThan(5);
  for (const [at, path] of paths.entries()) {
    await test.step(path, async () => {
      const response = await page.goto(path);
      expect(response?.status()).toBe(200);
      await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
      await expect(page).toHaveTitle(/^[\w ]+ · (HTTP API · )?Countersign$/);
      // The pages of all resources, and that of the schemas, are made of the same parts: the first of them, and the start, are
      // looked at in both themes and sizes, the others in one.
      if (at < 2) {
        await expectAccessible(page, path);
      } else {
        await expectFits(page, path);
        await page.setViewportSize(DESKTOP);
        await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
        await expectNoViolations(page, path);
      }
    });
  }
});
