import AxeBuilder from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 800 };

/** Checks that nothing is wider than the window, on a phone and on a desktop. */
export async function expectFits(page: Page, what: string): Promise<void> {
  for (const size of [PHONE, DESKTOP]) {
    await page.setViewportSize(size);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(overflow, `${what} is wider than ${size.width} px`).toBeLessThanOrEqual(0);
  }
}

/** Runs axe on the page as it is shown now, with all rules or with these. */
export async function expectNoViolations(page: Page, what: string, rules?: string[]): Promise<void> {
  // Elements that pass are not listed: describing thousands of them takes minutes on a long page.
  const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] });
  if (rules) axe.withRules(rules);
  const { violations } = await axe.analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  expect.soft(found, what).toEqual([]);
}

/** Runs axe in both themes, and checks that nothing is wider than the window, on a phone and on a desktop. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await expectFits(page, what);
  for (const size of [DESKTOP, PHONE]) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // The themes differ in colors only, so in the second one only the rules about colors run.
      const rules = colorScheme === "dark" ? ["color-contrast", "link-in-text-block"] : undefined;
      await expectNoViolations(page, `${what}, ${colorScheme}, ${size.width} px`, rules);
    }
  }
}
