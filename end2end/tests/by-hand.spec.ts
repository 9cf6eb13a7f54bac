import type { Page } from "@playwright/test";
import { newDraftWith, readSource } from "../support/editor.ts";
import { newRule } from "../support/policy.ts";
import { expect, test } from "../support/studio.ts";

test.use({ workspace: "editing" });

/** Starts a draft with a new rule, and opens the rule in the form. */
async function draftWithOpenRule(page: Page, id: string): Promise<void> {
  await newDraftWith(page, newRule(id, "allow"));
  await page.getByRole("tab", { name: /^Rules/ }).click();
  await page.getByRole("button", { name: id, exact: true }).first().click();
}

test("the sweep is dragged with the mouse, and letting go writes the number", async ({ as }) => {
  const page = await as("author");
  await draftWithOpenRule(page, "dragged");
  await page.getByRole("tab", { name: "Threshold sweep" }).click();
  const picture = page.locator(".sweep-picture");
  const area = await picture.boundingBox();
  if (!area) throw new Error("no curve is drawn");
  const now = page.locator(".sweep-now strong");
  const was = await now.innerText();

  await page.mouse.move(area.x + area.width * 0.9, area.y + area.height / 2);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.3, area.y + area.height / 2, { steps: 8 });
  // While dragging, the number changes and the draft does not.
  await expect(now).not.toHaveText(was);
  const held = Number(await now.innerText());
  const written = async () => (await readSource(page)).rules.find((rule: { id: string }) => rule.id === "dragged").conditions;
  await page.mouse.up();
  await expect.poll(async () => (await written())[">=risk_score"]).toBe(held);
});

test("the map names the rule under the pointer, outlines what changed, and a click tries the input", async ({ as }) => {
  const page = await as("author");
  await draftWithOpenRule(page, "outlined");
  await page.getByRole("tab", { name: "Policy map" }).click();
  const map = page.getByRole("tabpanel", { name: "Policy map" });
  await expect(map.getByText("outlined: answered otherwise than by stable")).toBeVisible();
  await expect(map.locator(".map-changed")).toHaveAttribute("d", /M/);

  // A point inside the outline, which is where the rule changes the answer.
  const point = await map.locator(".map-changed").evaluate((drawn) => {
    const box = (drawn as SVGGraphicsElement).getBoundingClientRect();
    return { x: box.x + box.width - 6, y: box.y + 6 };
  });
  await page.mouse.move(point.x, point.y);
  await expect(map.locator(".map-caption")).toContainText("outlined");
  await expect(map.locator(".map-caption")).toContainText(/stable: /);
  await page.mouse.click(point.x, point.y);
  await expect(page.getByRole("tabpanel", { name: "One input" })).toContainText("outlined");
});
