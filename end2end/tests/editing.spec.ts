import { newDraft, readSource, writeSource } from "../support/editor.ts";
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

  // Back again, it is saved without being asked.
  await page.context().setOffline(false);
  await expect
    .poll(async () => (await api("author").get(`/policy/bundles/${id}`)).body.rules.map((rule: { id: string }) => rule.id))
    .toContain("typed-while-offline");
});

test("what was never saved is there again after a reload", async ({ as }) => {
  const page = await as("author");
  page.on("dialog", (dialog) => dialog.accept());
  await newDraft(page);
  const source = await readSource(page);
  await writeSource(page, { ...source, rules: [...source.rules, newRule("never-saved", "deny")] });
  await expect(page.getByText(/kept on this device/)).toBeVisible();
  await page.reload();
  await hydrated(page);
  await expect.poll(async () => JSON.stringify(await readSource(page))).toContain("never-saved");
});

test("a stale save offers a choice and overwrites nothing by itself", async ({ as, api, troubles }) => {
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
