import { newDraft, newDraftWith, readSource, saveDraft, writeSource } from "../support/editor.ts";
import { newRule } from "../support/policy.ts";
import { expect, hydrated, test } from "../support/studio.ts";

test.use({ workspace: "editing" });

test("the changes of a draft are proven, mapped, swept and tested while it is edited", async ({ as }) => {
  const page = await as("author");
  await newDraftWith(page, newRule("proofs-extreme-risk", "allow"));

  await test.step("Changes: certificate, regions with a witness, matrix", async () => {
    await page.getByRole("tab", { name: /^Changes/ }).click();
    const changes = page.getByRole("tabpanel", { name: /^Changes/ });
    await expect(changes.getByText(/^New allows: /)).toBeVisible();
    await expect(changes.getByText("proofs-extreme-risk").first()).toBeVisible();
    await expect(changes.getByRole("table", { name: "How answers change" })).toBeVisible();
    await changes.getByRole("button", { name: "Try it" }).first().click();
    await expect(page.getByRole("tabpanel", { name: "One input" })).toContainText("proofs-extreme-risk");
  });

  await test.step("Simulate: a flip leads to its region", async () => {
    await page.getByRole("tab", { name: "Simulate" }).click();
    await page.getByRole("combobox", { name: "Cases" }).selectOption("synthetic");
    const dock = page.getByRole("tabpanel", { name: "Simulate" });
    await expect(dock.getByText(/^Rules: \d+ hit · \d+ never hit · \d+ dead$/)).toBeVisible();
    await page.getByRole("tab", { name: /^Problems/ }).click();
    await dock.getByRole("button", { name: /alike in its region$/ }).first().click();
    await expect(page.getByRole("tabpanel", { name: /^Changes/ }).locator(".is-asked")).toBeVisible();
    await page.getByRole("tab", { name: "One input" }).click();
  });

  await test.step("One input: the way to another answer", async () => {
    const one = page.getByRole("tabpanel", { name: "One input" });
    await expect(one.getByText("What would change this answer")).toBeVisible();
    await one.getByLabel("Name of the test case").fill(`extreme risk is allowed ${Date.now()}`);
    await one.getByRole("button", { name: "Save test case" }).click();
    await expect(page.getByText(/^Test case .* saved$/)).toBeVisible();
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
    await page.getByRole("button", { name: "Which rules shadow this one?" }).click();
    await expect(page.getByRole("group", { name: "Shadowed by" })).toContainText("circuit-breaker");
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

test("the editor uses a web worker of its own origin, and the policy allows no other", async ({ as }) => {
  const page = await as("author");
  const id = await newDraft(page);
  const worker = page.waitForEvent("worker");
  const response = await page.goto(`/studio/${id}`);
  expect(response?.headers()["content-security-policy"]).toContain("worker-src 'self'");
  expect(new URL((await worker).url()).pathname).toBe("/draft-worker.js");
  await expect(page.locator(".dock-status")).toContainText(/[\d,]+ cases · [\d,]+ ms in your browser/);
});

test("without a worker the page does the work itself", async ({ as, troubles }) => {
  troubles.expect(/draft-worker\.js/);
  const page = await as("author");
  await page.route("**/draft-worker.js", (route) => route.abort());
  await newDraft(page);
  await expect(page.locator(".dock-status")).toContainText(/[\d,]+ cases · [\d,]+ ms in your browser/);
  expect(page.workers()).toHaveLength(0);
  const source = await readSource(page);
  await writeSource(page, { ...source, rules: [...source.rules, newRule("no-worker", "allow")] });
  await page.getByRole("tab", { name: /^Changes/ }).click();
  await expect(page.getByRole("tabpanel", { name: /^Changes/ }).getByText("no-worker").first()).toBeVisible();
});

test("a recorded decision shows the answer of each draft, and opens in the simulator", async ({ as, api }) => {
  const page = await as("author");
  const { body } = await api("author").get("/policy/decisions?limit=1");
  const [decision] = body.decisions;
  const flipped = decision.effect === "deny" ? "allow" : "deny";
  const rule = { ...newRule("turns-it", flipped), agent: decision.agent, action: decision.action, conditions: {}, priority: 1000 };
  await newDraftWith(page, rule);
  await saveDraft(page);

  await page.goto(`/decisions/${decision.decision_id}`);
  await hydrated(page);
  const drafts = page.getByRole("table", { name: "Answers of the drafts" });
  await expect(drafts.getByText("turns-it").first()).toBeVisible();
  await expect(drafts.getByText("flips").first()).toBeVisible();
  await expect(page.getByRole("heading", { name: "What would change this answer" })).toBeVisible();

  await page.getByRole("link", { name: "Open in simulator", exact: true }).click();
  await page.waitForURL(/\/studio\/\d+\?decision=/);
  const one = page.getByRole("tabpanel", { name: "One input" });
  await expect(one.getByLabel("Agent")).toHaveValue(decision.agent);
  await expect(one.getByText("turns-it").first()).toBeVisible();
});

test("a schema is learned from recorded decisions in one click", async ({ as }) => {
  const page = await as("author");
  await newDraft(page);
  const source = await readSource(page);
  await writeSource(page, { ...source, schema: null });
  await expect(page.locator(".dock-status")).toContainText(/cases/);
  await page.getByRole("tab", { name: "Bundle", exact: true }).click();
  await page.getByRole("button", { name: "Learn from recorded decisions" }).click();
  await expect(page.getByText(/^Learned \d+ fields of \d+ agents? from [\d,]+ decisions?\./)).toBeVisible();
  const { schema } = await readSource(page);
  expect(schema.enforce).toBe(false);
  const { fields } = schema.agents["inbox.triage"];
  expect(fields.sender_vip.type).toBe("boolean");
  // The demo's traffic sometimes has a text there, so nothing is learned about this field.
  expect(fields).not.toHaveProperty("risk_score");
});
