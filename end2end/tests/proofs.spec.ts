import { newDraft, readSource, writeSource } from "../support/editor.ts";
import { newRule } from "../support/policy.ts";
import { expect, test } from "../support/studio.ts";

test.use({ workspace: "editing" });

test("what a draft changes is proven, drawn, swept and tested while it is typed", async ({ as }) => {
  const page = await as("author");
  await newDraft(page);
  const source = await readSource(page);
  await writeSource(page, { ...source, rules: [...source.rules, newRule("proofs-extreme-risk", "allow")] });

  await test.step("Changes: certificate, regions with a witness, matrix", async () => {
    await page.getByRole("tab", { name: /^Changes/ }).click();
    const changes = page.getByRole("tabpanel", { name: /^Changes/ });
    await expect(changes.getByText(/^New allows: /)).toBeVisible();
    await expect(changes.getByText("proofs-extreme-risk").first()).toBeVisible();
    await expect(changes.getByRole("table", { name: "How answers change" })).toBeVisible();
    await changes.getByRole("button", { name: "Try it" }).first().click();
    await expect(page.getByRole("tabpanel", { name: "One input" })).toContainText("proofs-extreme-risk");
  });

  await test.step("One input: the way to another answer", async () => {
    const one = page.getByRole("tabpanel", { name: "One input" });
    await expect(one.getByText("What would change this answer")).toBeVisible();
    await one.getByLabel("Name of the test case").fill(`extreme risk is allowed ${Date.now()}`);
    await one.getByRole("button", { name: "Save test case" }).click();
    await expect(page.getByText(/^Test case .* is kept\.$/)).toBeVisible();
  });

  await test.step("Test cases: the kept one passes", async () => {
    await page.getByRole("tab", { name: /^Test cases/ }).click();
    const tests = page.getByRole("tabpanel", { name: /^Test cases/ });
    await expect(tests.getByText("passes").first()).toBeVisible();
    await page.getByRole("tab", { name: /^Rules/ }).click();
    await page.getByRole("button", { name: "proofs-extreme-risk", exact: true }).first().click();
    await tests.getByRole("button", { name: "Propose boundary tests" }).click();
    await expect(tests.getByRole("table", { name: "Proposed test cases" })).toBeVisible();
    await tests.getByRole("button", { name: "Discard" }).click();
  });

  await test.step("Rule: hits and coverage", async () => {
    await expect(page.getByRole("group", { name: "Hits and coverage" })).toContainText(/of [\d,]+ cases/);
  });

  await test.step("Threshold sweep: the slider moves the number and writes it", async () => {
    await page.getByRole("tab", { name: "Threshold sweep" }).click();
    const slider = page.getByRole("slider", { name: /^Threshold of risk_score/ });
    await slider.focus();
    await slider.press("ArrowLeft");
    await expect.poll(async () => {
      const { rules } = await readSource(page);
      return rules.find((rule: { id: string }) => rule.id === "proofs-extreme-risk").conditions[">=risk_score"];
    }).toBeLessThan(97);
  });

  await test.step("Policy map: named by keyboard, and as a table", async () => {
    await page.getByRole("tab", { name: "Policy map" }).click();
    const map = page.getByRole("tabpanel", { name: "Policy map" });
    await map.getByRole("group", { name: /^Policy map of/ }).focus();
    await page.keyboard.press("ArrowRight");
    await expect(map.getByText(/ when /)).toBeVisible();
    await map.getByText("As a table").click();
    await expect(map.getByRole("table", { name: /^Answers by/ })).toBeVisible();
  });
});
