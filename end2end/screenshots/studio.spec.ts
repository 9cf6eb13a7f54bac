import { mkdirSync } from "node:fs";
import { newDraft, readSource, saveDraft, writeSource } from "../support/editor.ts";
import { newRule } from "../support/policy.ts";
import { expect, open, test } from "../support/studio.ts";

const folder = process.env.SCREENSHOTS ?? "../target/screenshots";
const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
];

test("the tabs of the editor, with a draft that has changes", async ({ as, api }) => {
  mkdirSync(folder, { recursive: true });
  const page = await as("author");
  const id = await newDraft(page);
  const source = await readSource(page);
  const rules = source.rules.map((rule: { conditions?: Record<string, unknown> }, at: number) =>
    at === 1 && rule.conditions ? { ...rule, conditions: { ...rule.conditions, ">=risk_score": 70 } } : rule,
  );
  await writeSource(page, { ...source, rules: [...rules, newRule("escalate-extreme-risk", "allow")] });
  await saveDraft(page);
  const { body } = await api("author").get("/policy/decisions?limit=1");
  const decision = `/decisions/${body.decisions[0].decision_id}`;

  const tab = (name: string | RegExp) => page.getByRole("tab", { name }).click();
  const parts: [string, () => Promise<unknown>][] = [
    ["changes", () => tab(/^Changes/)],
    ["rule", () => page.getByRole("button", { name: "escalate-extreme-risk", exact: true }).first().click()],
    ["one-input", () => tab("One input")],
    ["sweep", () => tab("Threshold sweep")],
    ["tests", () => tab(/^Test cases/)],
    ["map", () => tab("Policy map")],
    ["source", () => tab("Source")],
    ["bundle", () => tab("Bundle")],
  ];
  for (const size of SIZES) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const shoot = (name: string) =>
        page.screenshot({ path: `${folder}/studio-${name}-${size.width}-${colorScheme}.png`, fullPage: size.width === 360 });
      await open(page, `/studio/${id}`);
      await expect(page.locator(".dock-status")).toContainText("cases");
      await shoot("rules");
      for (const [name, show] of parts) {
        // On a phone the form covers the page.
        const close = page.getByRole("button", { name: "Close rule", exact: true });
        if (await close.isVisible()) await close.click();
        await show();
        await expect(page.locator(".skeleton")).toHaveCount(0);
        await shoot(name);
      }
      await open(page, decision);
      await shoot("decision");
    }
  }
});
