import { newDraft, newDraftWith, readSource, saveDraft, writeSource } from "../support/editor.ts";
import { newRule } from "../support/policy.ts";
import { expect, hydrated, test } from "../support/studio.ts";

test.use({ workspace: "editing" });

test("a lost connection while editing loses no typing", async ({ as, api, troubles }) => {
  troubles.expect(/ERR_INTERNET_DISCONNECTED|Failed to fetch/);
  const page = await as("author");
  const id = await newDraft(page);
  const source = await readSource(page);
  await page.context().setOffline(true);
  await writeSource(page, { ...source, rules: [...source.rules, newRule("typed-while-offline", "deny")] });
  await page.getByRole("button", { name: "Save draft", exact: true }).click();
  await expect(page.getByText(/^Not saved/)).toBeVisible();
  expect(JSON.stringify(await readSource(page))).toContain("typed-while-offline");

  // Once the connection is back, the draft is saved automatically.
  await page.context().setOffline(false);
  await expect
    .poll(async () => (await api("author").get(`/policy/bundles/${id}`)).body.rules.map((rule: { id: string }) => rule.id))
    .toContain("typed-while-offline");
});

test("unsaved edits are restored after a reload", async ({ as }) => {
  const page = await as("author");
  page.on("dialog", (dialog) => dialog.accept());
  await newDraftWith(page, newRule("never-saved", "deny"));
  await expect(page.getByText(/kept on this device/)).toBeVisible();
  await page.reload();
  await hydrated(page);
  await expect.poll(async () => JSON.stringify(await readSource(page))).toContain("never-saved");
});

test("a stale save offers a choice and overwrites nothing", async ({ as, api, troubles }) => {
  troubles.expect(/status of 412/);
  const mine = await as("author");
  const id = await newDraft(mine);
  const source = await readSource(mine);

  const { body: current } = await api("revenue_ops").get(`/policy/bundles/${id}`);
  const { default_effect, on_error, schema, version, notes, rules, revision } = current;
  const theirs = await api("revenue_ops").put(
    `/policy/bundles/${id}`,
    { version, default_effect, on_error, schema, notes, rules: [...rules, newRule("theirs-came-first", "deny")] },
    `"${revision}"`,
  );
  expect(theirs.status, JSON.stringify(theirs.body)).toBe(200);

  await writeSource(mine, { ...source, rules: [...source.rules, newRule("mine-came-second", "deny")] });
  await mine.getByRole("button", { name: "Save draft", exact: true }).click();
  const choice = mine.getByRole("dialog");
  await expect(choice).toBeVisible();
  for (const name of ["Take theirs", "Open mine as a new draft", "Keep mine, overwrite theirs"]) {
    await expect(choice.getByRole("button", { name, exact: true })).toBeVisible();
  }
  const { body: untouched } = await api("author").get(`/policy/bundles/${id}`);
  expect(JSON.stringify(untouched.rules)).toContain("theirs-came-first");
  expect(JSON.stringify(untouched.rules)).not.toContain("mine-came-second");
});

test("a rule is added with the form, without knowing the notation", async ({ as }) => {
  const page = await as("author");
  await newDraft(page);
  const before = (await readSource(page)).rules.length;
  await page.getByRole("tab", { name: /^Rules/ }).click();
  await page.getByRole("button", { name: "Add rule", exact: false }).first().click();
  await expect.poll(async () => (await readSource(page)).rules.length).toBe(before + 1);
});

test("priority and effect are edited in the row, and rows are dragged to another place", async ({ as }) => {
  const page = await as("author");
  await newDraft(page);
  const source = await readSource(page);
  const rule = (id: string, priority: number) => ({ ...newRule(id, "deny"), priority });
  await writeSource(page, { ...source, rules: [rule("first-rule", 900), rule("second-rule", 800), rule("third-rule", 700)] });
  await page.getByRole("tab", { name: /^Rules/ }).click();
  const rows = page.getByRole("table", { name: "Rules" }).locator("tr.rule-row");
  const ids = async () => (await rows.locator(".rule-open").allTextContents()).map((id) => id.trim());
  await expect.poll(ids).toEqual(["first-rule", "second-rule", "third-rule"]);

  const priority = page.getByRole("spinbutton", { name: "Priority of third-rule" });
  await priority.fill("850");
  await priority.press("Enter");
  await expect.poll(ids).toEqual(["first-rule", "third-rule", "second-rule"]);
  await page.getByRole("combobox", { name: "Effect of third-rule" }).selectOption("allow");
  await expect(rows.nth(1)).toContainText("allow");

  await rows.nth(2).hover();
  const target = await rows.nth(0).boundingBox();
  await rows.nth(2).locator(".rule-handle").dragTo(rows.nth(0), {
    targetPosition: { x: 40, y: Math.round((target?.height ?? 20) / 4) },
  });
  await expect.poll(ids).toEqual(["second-rule", "first-rule", "third-rule"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(ids).toEqual(["first-rule", "third-rule", "second-rule"]);
});

test("the rule panel's buttons act on the rule that is shown", async ({ as }) => {
  const page = await as("author");
  await newDraft(page);
  const source = await readSource(page);
  await writeSource(page, { ...source, rules: [newRule("first-rule", "deny"), newRule("second-rule", "deny")] });
  await page.getByRole("tab", { name: /^Rules/ }).click();
  const rows = page.getByRole("table", { name: "Rules" }).locator("tr.rule-row");
  const panel = page.getByRole("form", { name: "Rule" });
  const opened = async (id: string) => {
    await rows.getByRole("button", { name: id, exact: true }).click();
    await expect(panel.locator(".rule-form-name")).toHaveText(id);
  };
  await opened("first-rule");
  await opened("second-rule");
  await panel.getByRole("button", { name: "Add condition", exact: true }).click();
  await panel.getByRole("button", { name: "Duplicate", exact: true }).click();
  await expect(rows.locator(".rule-open")).toContainText(["second-rule-2"]);
  await opened("second-rule");
  await panel.getByRole("button", { name: "Delete rule", exact: true }).click();
  await expect.poll(async () => (await readSource(page)).rules.map((rule: { id: string }) => rule.id).sort()).toEqual([
    "first-rule",
    "second-rule-2",
  ]);
});

test("text that is not a number leaves the rule unchanged", async ({ as }) => {
  const page = await as("author");
  await newDraft(page);
  const source = await readSource(page);
  const rule = { ...newRule("threshold", "deny"), conditions: { ">=risk_score": 85 } };
  await writeSource(page, { ...source, rules: [rule] });
  await page.getByRole("tab", { name: /^Rules/ }).click();
  await page.getByRole("table", { name: "Rules" }).getByRole("button", { name: "threshold", exact: true }).click();
  const field = page.getByRole("form", { name: "Rule" }).getByRole("textbox", { name: "Value", exact: true });
  const conditions = async () => {
    const read = (await readSource(page)).rules[0].conditions;
    await page.getByRole("tab", { name: /^Rules/ }).click();
    return read;
  };
  await field.selectText();
  await field.pressSequentially("8x");
  await expect(field).toHaveValue("8x");
  await expect(page.getByText("8x is not a number; the rule still says 85.")).toBeVisible();
  expect(await conditions()).toEqual({ ">=risk_score": 85 });
  await field.fill("");
  await expect(page.getByText("A number is missing; the rule still says 85.")).toBeVisible();
  await field.fill("80");
  await expect(page.getByText(/the rule still says/)).toHaveCount(0);
  expect(await conditions()).toEqual({ ">=risk_score": 80 });
});

test("who approves is set in the form, and makes the bundle one of format 1.1", async ({ as, api }) => {
  const page = await as("author");
  const id = await newDraft(page);
  const source = await readSource(page);
  await writeSource(page, { ...source, rules: [newRule("ask-people", "needs_approval"), newRule("ask-nobody", "deny")] });
  await page.getByRole("tab", { name: /^Rules/ }).click();
  const rows = page.getByRole("table", { name: "Rules" }).locator("tr.rule-row");
  const terms = page.getByRole("group", { name: "Who approves" });
  await rows.getByRole("button", { name: "ask-nobody", exact: true }).click();
  await expect(page.getByRole("form", { name: "Rule" }).locator(".rule-form-name")).toHaveText("ask-nobody");
  await expect(terms).toHaveCount(0);
  await rows.getByRole("button", { name: "ask-people", exact: true }).click();
  await terms.getByRole("checkbox", { name: "safety owner" }).check();
  const people = terms.getByRole("textbox", { name: "People", exact: true });
  await people.fill("ann@example.org");
  await people.press("Enter");
  const quorum = terms.getByRole("textbox", { name: "Approvals needed" });
  await quorum.fill("2");
  await terms.getByRole("combobox", { name: "Expires after" }).selectOption("1 h");
  await expect(terms.getByText(/is of format 1\.1/)).toBeVisible();
  await expect(rows.filter({ hasText: "ask-people" })).toContainText("2 of safety owners or 1 named person, 1 h");
  const written = await readSource(page);
  expect(written.format).toBe("1.1");
  expect(written.rules[0]).toMatchObject({ approvers: ["safety_owner", "ann@example.org"], quorum: 2, expires_in: 3600 });

  // A wrong value is reported, and its place leads back to the field.
  await page.getByRole("tab", { name: /^Rules/ }).click();
  await quorum.fill("12");
  await page.getByRole("tab", { name: /^Problems/ }).click();
  await page.getByRole("button", { name: "quorum", exact: true }).click();
  await expect(quorum).toBeFocused();
  await quorum.fill("2");
  await expect(page.getByRole("form", { name: "Rule" }).getByText(/whole number of people/)).toHaveCount(0);

  // What is emptied is not written; the format stays.
  await people.press("Backspace");
  await terms.getByRole("checkbox", { name: "safety owner" }).uncheck();
  const emptied = await readSource(page);
  expect(emptied.rules[0]).not.toHaveProperty("approvers");
  expect(emptied.format).toBe("1.1");
  await saveDraft(page);
  const { body } = await api("author").get(`/policy/bundles/${id}`);
  expect(body.format).toBe("1.1");
  expect(body.rules[0]).toMatchObject({ id: "ask-people", quorum: 2, expires_in: 3600 });
});
