import type { Page } from "@playwright/test";
import { expectFits, expectNoViolations } from "../support/accessible.ts";
import type { Api } from "../support/api.ts";
import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "approvals" });

const PHONE = { width: 390, height: 844 };

/** A call that a rule of the demo's stable bundle holds for approval. */
function call(subject: string, more: object = {}) {
  return {
    agent: "inbox.triage",
    action: "escalate",
    subject,
    on_behalf_of: "lena@shop.example",
    context: { risk_score: 70, sender_reputation: 0.2, sender_domain: "shop\u200b.ex\u0430mple" },
    ...more,
  };
}

/** Asks for approval as an agent does; returns the id of the request. */
async function requestApproval(agent: Api, subject: string, more: object = {}): Promise<string> {
  const { status, body } = await agent.post("/policy/evaluate", call(subject, { request_approval: true, ...more }));
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body, JSON.stringify(body)).toMatchObject({ effect: "needs_approval", approval: { status: "pending" } });
  return body.approval.id;
}

const article = (page: Page) => page.getByRole("article", { name: "Approval request" });

test("an agent asks, a person approves, the agent acts once and reports it", async ({ as, api }) => {
  const agent = api("service");
  const id = await requestApproval(agent, "mail-approved", { session: "session-7" });
  const page = await as("approver");

  await test.step("the approver finds the request and reads what is asked", async () => {
    await open(page, "/");
    await expect(page.getByRole("link", { name: /wait(s)? for your decision/ })).toBeVisible();
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Approvals/ }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Approvals" })).toBeVisible();
    await page.locator(`a[href="/approvals/${id}"]`).click();
    await expect(article(page).getByRole("heading", { name: "inbox.triage asks to escalate" })).toBeVisible();
    await expect(article(page)).toContainText("for lena@shop.example · about mail-approved");
    const facts = article(page).getByRole("table", { name: "Arguments" });
    await expect(facts.getByRole("row", { name: /sender_reputation/ })).toContainText("0.2");
    // What cannot be seen is written out.
    await expect(facts.getByRole("row", { name: /sender_domain/ })).toContainText("shopU+200B.ex\u0430mple");
    await expect(article(page)).toContainText("In sender_domain, “\u0430” is U+0430, which only looks like “a”.");
    await expect(article(page)).toContainText("inbox-escalate-medium-risk");
    await expect(article(page)).toContainText("Doubtful mail from a poorly reputed sender needs a human look.");
  });

  await test.step("one key decides nothing: the dialog says what will be allowed", async () => {
    await page.keyboard.press("a");
    const dialog = page.getByRole("dialog", { name: "Approve this call?" });
    await expect(dialog).toContainText("once, with exactly these arguments");
    await expect(dialog.getByRole("button", { name: "Approve", exact: true })).toBeFocused();
    await expectNoViolations(page, "the dialog that approves");
    await dialog.getByLabel("It covers").selectOption("session");
    await expect(dialog).toContainText("in its session for 1 h, 100 times at most");
    await dialog.getByLabel("It covers").selectOption("once");
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    expect((await api("approver").get(`/policy/approvals/${id}`)).body.status).toBe("pending");
  });

  await test.step("the approver approves", async () => {
    await page.getByRole("button", { name: "Approve…", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Approve", exact: true }).click();
    await expect(article(page)).toContainText("Approved, not used yet.");
    await expect(article(page)).toContainText("verifies");
    const { body } = await agent.get(`/policy/approvals/${id}`);
    expect(body, JSON.stringify(body)).toMatchObject({ status: "approved", scope: { kind: "once" } });
  });

  let decision = "";
  await test.step("the agent acts once, and the page says that it was carried out", async () => {
    const used = await agent.post("/policy/evaluate", call("mail-approved", { session: "session-7", approval: id }));
    expect(used.body, JSON.stringify(used.body)).toMatchObject({ effect: "allow", mode: "approved" });
    decision = used.body.decision_id;
    await expect(article(page)).toContainText("Approved and used, no outcome reported.");
    const reported = await agent.post(`/policy/decisions/${decision}/outcome`, { status: "ok" });
    expect(reported.status, JSON.stringify(reported.body)).toBe(200);
    await open(page, `/approvals/${id}`);
    await expect(article(page)).toContainText("Approved and carried out.");
    await expect(page.locator(".approvals-list")).toContainText("approved and carried out");
  });

  await test.step("a second use is refused", async () => {
    const again = await agent.post("/policy/evaluate", call("mail-approved", { session: "session-7", approval: id }));
    expect(again.body, JSON.stringify(again.body)).toMatchObject({
      effect: "needs_approval",
      approval: { refused: { code: "approval_spent" } },
    });
  });

  await test.step("both decisions lead to the request", async () => {
    await article(page).getByRole("link", { name: "The decision that used the approval" }).click();
    await expect(page.getByText(/asks people first, and they approved/)).toBeVisible();
    await page.getByRole("link", { name: "open the approval request" }).click();
    await expect(article(page)).toContainText("Approved and carried out.");
  });
});

test("on a phone a call is denied with a reason, which the agent gets", async ({ as, api }) => {
  const agent = api("service");
  const id = await requestApproval(agent, "mail-denied");
  const page = await as("approver");
  await page.setViewportSize(PHONE);
  await open(page, "/approvals");
  await expectFits(page, "the list");
  await page.setViewportSize(PHONE);
  await page.locator(`a[href="/approvals/${id}"]`).click();
  await expect(page.locator(".approvals-list")).toBeHidden();

  await page.getByRole("button", { name: "Deny…", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Deny this call?" });
  await dialog.getByRole("button", { name: "Deny", exact: true }).click();
  await expect(dialog, "a reason is required").toBeVisible();
  await dialog.getByLabel("Reason").fill("The sender is known to us.");
  await dialog.getByRole("button", { name: "Deny", exact: true }).click();
  await expect(article(page)).toContainText(/Denied by .+\./);
  await expect(article(page)).toContainText("The sender is known to us.");

  const { body } = await agent.get(`/policy/approvals/${id}`);
  expect(body, JSON.stringify(body)).toMatchObject({
    status: "denied",
    actions: [{ decision: "deny", reason: "The sender is known to us." }],
  });
  const used = await agent.post("/policy/evaluate", call("mail-denied", { approval: id }));
  expect(used.body, JSON.stringify(used.body)).toMatchObject({
    effect: "needs_approval",
    approval: { refused: { code: "approval_denied" } },
  });
  expect(used.body.approval.refused.detail).toContain("The sender is known to us.");

  await expectFits(page, "one request");
  await page.setViewportSize(PHONE);
  await expectNoViolations(page, "one request on a phone");
  await page.getByRole("link", { name: "‹ All requests" }).click();
  await expect(page.locator(".approvals-list")).toContainText("denied by");
});

test("a grant for a session is in force until it is revoked, and an agent cancels what it asked", async ({ as, api }) => {
  const agent = api("service");
  const members = { session: "session-8" };
  const id = await requestApproval(agent, "mail-session", members);
  const page = await as("safety_owner");
  await open(page, `/approvals/${id}`);
  await page.getByRole("button", { name: "Approve…", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("It covers").selectOption("session");
  await dialog.getByLabel("At most so many calls").fill("2");
  await dialog.getByRole("button", { name: "Approve", exact: true }).click();
  const grants = page.locator(".approvals-list");
  await expect(grants).toContainText("inbox.triage may escalate, in its session");
  await expect(grants).toContainText("0 of 2 used");

  const other = { risk_score: 71, sender_reputation: 0.1 };
  const again = call("mail-session", { ...members, context: other, request_approval: true });
  const used = await agent.post("/policy/evaluate", again);
  expect(used.body, JSON.stringify(used.body)).toMatchObject({ effect: "allow", mode: "approved" });
  await expect(grants, "the page follows without a reload").toContainText("1 of 2 used");
  await grants.getByRole("button", { name: "Revoke", exact: true }).first().click();
  await expect(grants).not.toContainText("1 of 2 used");
  const after = await agent.post("/policy/evaluate", call("mail-session", { ...members, context: other }));
  expect(after.body.effect, JSON.stringify(after.body)).toBe("needs_approval");

  const taken = await requestApproval(agent, "mail-cancelled");
  await open(page, `/approvals/${taken}`);
  expect((await agent.post(`/policy/approvals/${taken}/cancel`, {})).status).toBe(200);
  await expect(article(page)).toContainText("Cancelled by the agent.");
  await expect(page.getByRole("button", { name: "Approve…" })).toHaveCount(0);
});

test("who may not decide reads why", async ({ as, api }) => {
  const id = await requestApproval(api("service"), "mail-read-only");
  const page = await as("viewer");
  await open(page, `/approvals/${id}`);
  await expect(page.getByRole("button", { name: "Approve…" })).toBeDisabled();
  await expect(page.getByRole("button", { name: "Deny…" })).toBeDisabled();
  await expect(article(page)).toContainText("Your roles do not include deciding about calls.");
  await page.keyboard.press("a");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a call is approved with a plain form", async ({ as, api }) => {
  const id = await requestApproval(api("service"), "mail-plain-form");
  const page = await as("approver", { javaScript: false });
  await page.goto(`/approvals/${id}`);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  expect((await api("approver").get(`/policy/approvals/${id}`)).body.status).toBe("approved");
});
