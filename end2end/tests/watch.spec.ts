import { approvedPacket, draftWith, newRule, stableBundle } from "../support/policy.ts";
import { expect, open, test } from "../support/studio.ts";
import { decide } from "../support/traffic.ts";

test.use({ workspace: "watch" });

// What every call of this test asks, and hardly anything in the example's past.
const HARM = {
  ...newRule("deny-one-kind-of-phishing", "deny"),
  action: "quarantine",
  conditions: { ">=risk_score": 92, "<=risk_score": 92, "<=domain_seen_days": 3, category: "phishing" },
  priority: 990,
};

test("a canary that does harm is taken out by the server", async ({ as, api, server }) => {
  const admin = await as("admin");
  await test.step("the limits stand in the settings", async () => {
    await open(admin, "/settings");
    await admin.getByLabel("Deny rate above, %").fill("40");
    await admin.getByRole("button", { name: "Save limits" }).click();
    await expect.poll(async () => (await api("viewer").get("/settings")).body.watch.max_deny_rate).toBe(0.4);
  });

  const runtime = await as("runtime_owner");
  const before = await stableBundle(api("viewer"));
  const draft = await draftWith(api("author"), HARM);
  const packet = await approvedPacket(api, draft.id);
  const applied = await api("runtime_owner").post(`/policy/bundles/${draft.id}/activate`, { packet_id: packet.packet_id });
  expect(applied.status, JSON.stringify(applied.body)).toBe(200);
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
