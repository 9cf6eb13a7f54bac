import { draftWith, newRule, stableBundle, startCanary } from "../support/policy.ts";
import { expect, open, test } from "../support/studio.ts";
import { decide } from "../support/traffic.ts";

test.use({ workspace: "watch" });

// Matches every request of this test and hardly any recorded decision of the demo.
const HARM = {
  ...newRule("deny-one-kind-of-phishing", "deny"),
  action: "quarantine",
  conditions: { ">=risk_score": 92, "<=risk_score": 92, "<=domain_seen_days": 3, category: "phishing" },
  priority: 990,
};

test("the server rolls back a canary that does harm", async ({ as, api, server }) => {
  const admin = await as("admin");
  await test.step("the limits are set in the settings", async () => {
    await open(admin, "/settings");
    await admin.getByLabel("Deny rate above, %").fill("40");
    await admin.getByRole("button", { name: "Save limits" }).click();
    await expect.poll(async () => (await api("viewer").get("/settings")).body.watch.max_deny_rate).toBe(0.4);
  });

  const runtime = await as("runtime_owner");
  const before = await stableBundle(api("viewer"));
  const draft = await draftWith(api("author"), HARM);
  await startCanary(api, draft.id);
  await open(runtime, "/rollouts");
  await expect(runtime.getByText(/40 % denials/)).toBeVisible();

  await decide(
    server,
    Array.from({ length: 1200 }, (_, number) => `harmed-${number}`),
  );
  const state = async () => (await api("viewer").get(`/policy/bundles/${draft.id}`)).body.state;
  await expect.poll(state, { timeout: 20_000 }).toBe("rolled_back");
  expect((await stableBundle(api("viewer"))).id).toBe(before.id);

  const { body } = await api("viewer").get("/incidents");
  const incident = body.incidents.find((one: { bundle_id: number }) => one.bundle_id === draft.id);
  expect(incident).toMatchObject({ severity: "high", status: "open", created_by: "system" });
  await open(runtime, `/incidents/${incident.id}`);
  await expect(runtime.getByText(/Automatic rollback: deny rate 100 % exceeds 40 %/).first()).toBeVisible();
});
