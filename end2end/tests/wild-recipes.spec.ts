import { readFileSync } from "node:fs";
import { newDraft, readSource, saveDraft, writeSource } from "../support/editor.ts";
import { expect, test } from "../support/studio.ts";

test.use({ workspace: "wild-recipes" });

const recipes = JSON.parse(readFileSync("../policy/tests/data/wild-recipes.json", "utf8"));

interface Rule {
  id: string;
  conditions: Record<string, unknown>;
  budget?: { risk?: string };
}

test("the errors in a real team's rules are found, fixed, simulated and submitted", async ({ as, api }) => {
  test.setTimeout(120_000);
  const page = await as("author");
  const draftId = await newDraft(page);
  const problems = page.getByRole("tabpanel", { name: /^Problems/ });

  await test.step("pasting the rules gives findings", async () => {
    await writeSource(page, recipes);
    await page.getByRole("tab", { name: /^Problems/ }).click();
    await expect(problems.getByText("inbox-quarantine-high-risk").first()).toBeVisible();
    await expect(page.getByRole("button", { name: "Submit for review", exact: true })).toBeDisabled();
  });

  await test.step("Fix all repairs what has one right answer", async () => {
    await page.getByRole("button", { name: /^Fix all/ }).click();
    const { rules } = (await readSource(page)) as { rules: Rule[] };
    const conditions = (id: string) => rules.find((rule) => rule.id === id)?.conditions;
    expect(conditions("inbox-quarantine-high-risk")).toEqual({ ">=risk_score": 85, category: "phishing" });
    expect(conditions("schedule-weekday-only")).toMatchObject({ day_of_week: ["Saturday", "Sunday"] });
  });

  await test.step("two findings remain for a person to decide", async () => {
    await page.getByRole("tab", { name: /^Problems/ }).click();
    await expect(problems.getByText("planner-business-hours-only").first()).toBeVisible();
    await expect(problems.getByText("circuit-breaker").first()).toBeVisible();
    const { body } = await api("author").post("/policy/lint", { bundle: await readSource(page) });
    const errors = body.errors.map(({ code, rule_id }: { code: string; rule_id: string }) => `${code} ${rule_id}`);
    expect(errors.sort()).toEqual(["contradiction planner-business-hours-only", "schema circuit-breaker"]);
  });

  await test.step("after those decisions the draft can be submitted", async () => {
    const source = (await readSource(page)) as { rules: Rule[] };
    for (const rule of source.rules) {
      // "Outside business hours" would need two rules; this team chose the evening only.
      if (rule.id === "planner-business-hours-only") delete rule.conditions["<current_hour"];
      if (rule.id === "circuit-breaker") rule.budget = { ...rule.budget, risk: "high" };
    }
    await writeSource(page, source);
    await expect(page.getByRole("button", { name: "Submit for review", exact: true })).toBeEnabled();
    await expect(page.getByRole("region", { name: "Dock" })).toContainText(/[1-9][\d,]* cases · \d+ ms in your browser/);
    await saveDraft(page);
    await page.getByRole("button", { name: "Submit for review", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/^Fallback plan/).fill("Roll back to the version before.");
    await dialog.getByRole("button", { name: /^Submit/ }).click();

    // These rules replace all of what is live, its guardrails too: they go only with a reason.
    await expect(dialog.getByText("This draft removes what guards")).toBeVisible();
    const reasons = dialog.getByLabel(/^Why .* may go/);
    expect(await reasons.count()).toBeGreaterThan(0);
    for (const reason of await reasons.all()) await reason.fill("This team's own rules take the place of the example's.");
    await dialog.getByRole("button", { name: /^Submit/ }).click();
    await page.waitForURL(/\/reviews\/pktv1/);
    const packetId = decodeURIComponent(new URL(page.url()).pathname.split("/").pop() ?? "");

    const { body } = await api("author").get(`/policy/packets/${packetId}`);
    expect(body.bundle_id).toBe(draftId);
    expect(body.retires.map(({ id }: { id: string }) => id).sort()).toEqual(
      body.base.rules.filter(({ tags }: { tags: string[] }) => tags.includes("guardrail")).map(({ id }: Rule) => id).sort(),
    );
    expect(body.bundle.rules).toHaveLength(recipes.rules.length);
    expect(body.lint.errors).toEqual([]);
  });
});
