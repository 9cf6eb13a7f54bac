import { newDraftWith, saveDraft, submit } from "../support/editor.ts";
import { newRule, stableBundle } from "../support/policy.ts";
import { expect, open, test } from "../support/studio.ts";
import { decide, decideOne } from "../support/traffic.ts";

test.use({ workspace: "story" });

const CALLS = 2000;
const SHARE = 0.1;
// Four and a half standard deviations: a correct split exceeds this once in 150,000 runs.
const SLACK = 4.5 * Math.sqrt(CALLS * SHARE * (1 - SHARE));

test("a draft is written, signed off, rolled out, served and rolled back", async ({ as, api, server, troubles }) => {
  test.setTimeout(180_000);
  const before = await stableBundle(api("viewer"));
  const author = await as("author");
  const approver = await as("approver");
  const safety = await as("safety_owner");
  const runtime = await as("runtime_owner");
  let draftId = 0;
  let version = "";
  let packetId = "";

  await test.step("the author edits a draft and submits it", async () => {
    draftId = await newDraftWith(author, newRule("escalate-extreme-risk", "deny"));
    await saveDraft(author);
    packetId = await submit(author, "Roll back; the mail team watches the queue for an hour.");
    const { body } = await api("author").get(`/policy/bundles/${draftId}`);
    expect(body.state).toBe("in_review");
    version = body.version;
  });

  await test.step("the author's own approval is refused, in the page and by the server", async () => {
    await expect(author.getByText("You wrote this bundle, so another person has to sign.").first()).toBeVisible();
    await expect(author.getByRole("button", { name: "Approve", exact: true, disabled: false })).toHaveCount(0);
    const refused = await api("author").post(`/policy/packets/${packetId}/actions`, { decision: "approve" });
    expect(refused.status).toBe(403);
  });

  await test.step("as many people sign as the packet needs", async () => {
    for (const page of [approver, safety]) {
      const { body } = await api("viewer").get(`/policy/packets/${packetId}`);
      if (body.status === "approved") break;
      await open(page, "/reviews");
      await page.getByRole("link", { name: new RegExp(version.replaceAll(".", "\\.")) }).first().click();
      await page.getByRole("button", { name: "Approve", exact: true }).click();
      await expect(page.getByText(/approved/i).first()).toBeVisible();
      await expect.poll(async () => (await api("viewer").get(`/policy/packets/${packetId}`)).body.actions.length).toBe(
        body.actions.length + 1,
      );
    }
    const { body } = await api("viewer").get(`/policy/packets/${packetId}`);
    expect(body.status).toBe("approved");
  });

  await test.step("the runtime owner applies it at 10 %", async () => {
    await open(runtime, "/rollouts");
    await runtime.getByRole("button", { name: "Apply at 10%" }).first().click();
    await expect.poll(async () => (await api("viewer").get(`/policy/bundles/${draftId}`)).body.canary_pct).toBe(10);
    await expect(runtime.getByText(/Canary 10 ?%/).first()).toBeVisible();
  });

  const subjects = Array.from({ length: CALLS }, (_, index) => `subject-${index}`);
  const first = await decide(server, subjects);

  await test.step("2,000 calls split at 10 %, and every subject stays on its arm", async () => {
    const canary = first.filter(({ arm }) => arm === "canary").length;
    expect(Math.abs(canary - CALLS * SHARE), `${canary} of ${CALLS} on the canary`).toBeLessThanOrEqual(SLACK);
    expect(new Set(first.map(({ arm, bundle }) => `${arm} ${bundle.version}`))).toEqual(
      new Set([`stable ${before.version}`, `canary ${version}`]),
    );
    const again = await decide(server, subjects);
    expect(again.map(({ arm }) => arm)).toEqual(first.map(({ arm }) => arm));
    const { body } = await api("viewer").get(`/policy/decisions/${first[0].decision_id}`);
    expect(body).toMatchObject({ arm: first[0].arm, subject: "subject-0" });
  });

  await test.step("promotion before its time is refused and says how long is left", async () => {
    await open(runtime, "/rollouts");
    await expect(runtime.getByRole("button", { name: "Promote to 50%" })).toBeDisabled();
    await expect(runtime.getByText(/The stage has to last 1 day; .+ left/)).toBeVisible();
    const refused = await api("runtime_owner").post(`/policy/bundles/${draftId}/promote`, { target_pct: 50 });
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe("gate_not_passed");
    expect(refused.body.seconds_remaining).toBeGreaterThan(86_000);
  });

  await test.step("roll back gives stable all traffic within a second, and opens an incident", async () => {
    const onCanary = subjects[first.findIndex(({ arm }) => arm === "canary")];
    await runtime.getByRole("button", { name: /^Roll back/ }).first().click();
    const dialog = runtime.getByRole("dialog");
    await dialog.getByLabel(/^Reason/).fill("Complaints about held mail; see the mail team's thread.");
    const clicked = Date.now();
    await dialog.getByRole("button", { name: /^Roll back/ }).click();
    let restored = Number.POSITIVE_INFINITY;
    while (Date.now() - clicked < 5000) {
      const { arm, bundle } = await decideOne(server, onCanary);
      if (arm === "stable" && bundle.version === before.version) {
        restored = Date.now() - clicked;
        break;
      }
    }
    expect(restored, "milliseconds from the click until the canary's subject is served by stable").toBeLessThan(1000);
    const after = await decide(server, subjects.slice(0, 300));
    expect(new Set(after.map(({ arm }) => arm))).toEqual(new Set(["stable"]));
    const { body } = await api("viewer").get(`/policy/bundles/${draftId}`);
    expect(body).toMatchObject({ state: "rolled_back", active: false, canary_pct: 0 });

    const { body: list } = await api("viewer").get("/incidents");
    const incident = list.incidents.find((one: { bundle_id: number }) => one.bundle_id === draftId);
    expect(incident?.id).toMatch(/^INC-\d{4}-\d{4}$/);
    await open(safety, "/incidents");
    await expect(safety.getByText(incident.id)).toBeVisible();
  });

  await test.step("the audit page lists the events in order", async () => {
    await open(safety, "/audit");
    const rows = safety.getByRole("table", { name: "Audit entries" }).locator("tbody tr");
    // Newest first.
    const events = (await rows.locator("td:nth-child(3)").allInnerTexts()).map((what) => what.trim().toLowerCase());
    const story = ["rolled back", "applied", "approved", "submitted", "draft edited", "draft created"];
    const places = story.map((what) => events.indexOf(what));
    expect(Math.min(...places), `${story.join(", ")} in ${events.slice(0, 20).join(", ")}`).toBeGreaterThanOrEqual(0);
    expect(places).toEqual([...places].sort((one, other) => one - other));
    await expect(rows.filter({ hasText: version }).first()).toBeVisible();
  });

  expect(troubles.unexpected()).toEqual([]);
});
