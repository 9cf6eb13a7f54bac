import type { Page } from "@playwright/test";
import { corpus, rules } from "../measure/workload.ts";
import { expect, open, test } from "../support/studio.ts";

// A trace is a copy of the whole page at every step, which takes longer than the steps.
test.use({ workspace: "editing", trace: "off" });

const MANY_RULES = 5_000;
const MANY_DECISIONS = 1_000_000;

/** Replaces the recorded decisions with decisions of the test. */
async function routeCorpus(page: Page): Promise<void> {
  await page.route("**/policy/corpus?limit=*", (route) => {
    const limit = Number(new URL(route.request().url()).searchParams.get("limit"));
    return route.fulfill({ body: corpus(Math.min(limit, MANY_DECISIONS)), contentType: "application/octet-stream" });
  });
}

test("a draft of 5,000 rules is scrolled, searched and edited; its long replay is cancelled and resumed", async ({
  as,
  api,
}) => {
  const many = rules(MANY_RULES);
  const made = await api("author").post("/policy/bundles", { default_effect: "deny", on_error: "deny", rules: many });
  expect(made.status, JSON.stringify(made.body).slice(0, 500)).toBe(201);
  const page = await as("author");
  await routeCorpus(page);
  await open(page, `/studio/${made.body.id}`);
  const table = page.getByRole("table", { name: "Rules" });
  const rows = table.locator("tr.rule-row");
  const scroller = page.getByRole("region", { name: "Rules in evaluation order" });
  await expect(page.locator(".rules-count")).toContainText("5,000 rules");

  await test.step("only visible rows are rendered, and every row can be reached", async () => {
    expect(await rows.count()).toBeLessThan(100);
    const order = many.toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
    const last = order.filter((rule) => rule.priority === order.at(-1)?.priority).map((rule) => rule.id);
    await scroller.focus();
    await page.keyboard.press("End");
    await expect(rows.last()).toBeInViewport();
    expect(last).toContain((await rows.last().locator(".rule-open").innerText()).trim());
    expect(await rows.count()).toBeLessThan(100);
    await page.keyboard.press("Home");
    await expect(rows.first()).toBeInViewport();
  });

  await test.step("a rule is found, and edited from its chip", async () => {
    await page.getByRole("searchbox", { name: "Filter rules" }).fill("rule-04321");
    await expect(rows).toHaveCount(1);
    await rows.locator("button.rule-chip").first().click();
    const value = page.getByRole("group", { name: "Conditions" }).getByLabel("Value").first();
    await expect(value).toBeFocused();
    await page.keyboard.type("37");
    await expect(rows.first()).toContainText("risk_score ≥ 37");
    await page.getByRole("searchbox", { name: "Filter rules" }).fill("");
  });

  await test.step("Cancel ends a long replay, which can be resumed", async () => {
    const status = page.locator(".dock-status");
    await expect(status).toContainText("100,000 cases");
    await page.getByRole("combobox", { name: "Cases" }).selectOption("all");
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await expect(status).toContainText(/stopped at [^·]*\d of [\d,]+/);
    await page.getByRole("button", { name: "Replay all", exact: true }).click();
    await expect(status).toContainText(/^1,000,000 cases/, { timeout: 60_000 });
  });
});
