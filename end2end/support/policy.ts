import { expect } from "@playwright/test";
import type { Api } from "./api.ts";

/** The stable bundle. */
export async function stableBundle(api: Api) {
  const { body } = await api.get("/policy/bundles?active_only=true");
  const stable = body.bundles.find((bundle: { canary_pct: number }) => bundle.canary_pct === 100);
  expect(stable, "a stable bundle").toBeTruthy();
  return stable;
}

/** A draft that equals the stable bundle except for a new mail rule. */
export function draftLikeStable(api: Api, ruleId: string, effect = "deny") {
  return draftWith(api, newRule(ruleId, effect));
}

/** A draft that equals the stable bundle except for this rule. */
export async function draftWith(api: Api, rule: object) {
  const { id } = await stableBundle(api);
  const cloned = await api.post(`/policy/bundles/${id}/clone`, {});
  expect(cloned.status, JSON.stringify(cloned.body)).toBe(201);
  const { rules, default_effect, on_error, schema, version, notes, revision } = cloned.body;
  const saved = await api.put(
    `/policy/bundles/${cloned.body.id}`,
    { version, default_effect, on_error, schema, notes, rules: [...rules, rule] },
    `"${revision}"`,
  );
  expect(saved.status, JSON.stringify(saved.body)).toBe(200);
  return saved.body;
}

export function newRule(id: string, effect: string) {
  return {
    id,
    agent: "inbox.triage",
    action: "escalate",
    conditions: { ">=risk_score": 97 },
    effect,
    reason: "The very riskiest mail is not for a machine to escalate.",
    priority: 700,
    budget: { cost: 0, compute: 1, risk: "low" },
  };
}

/** Builds the packet and has it signed by as many people as the packet needs. */
export async function approvedPacket(apiOf: (role: "author" | "approver" | "safety_owner") => Api, bundleId: number) {
  const built = await apiOf("author").post("/policy/packets", {
    bundle_id: bundleId,
    fallback_plan: "Roll back to the version before; the mail team watches the queue.",
  });
  expect(built.status, JSON.stringify(built.body)).toBe(201);
  for (const role of ["approver", "safety_owner"] as const) {
    const { body } = await apiOf("author").get(`/policy/packets/${built.body.packet_id}`);
    if (body.status !== "in_review") break;
    const signed = await apiOf(role).post(`/policy/packets/${built.body.packet_id}/actions`, { decision: "approve" });
    expect(signed.status, JSON.stringify(signed.body)).toBeLessThan(300);
  }
  const { body } = await apiOf("author").get(`/policy/packets/${built.body.packet_id}`);
  expect(body.status).toBe("approved");
  return body;
}

/** Has the draft approved and applies it as a canary at 10 %; returns the bundle. */
export async function startCanary(
  apiOf: (role: "author" | "approver" | "safety_owner" | "runtime_owner") => Api,
  bundleId: number,
) {
  const packet = await approvedPacket(apiOf, bundleId);
  const applied = await apiOf("runtime_owner").post(`/policy/bundles/${bundleId}/activate`, {
    packet_id: packet.packet_id,
  });
  expect(applied.status, JSON.stringify(applied.body)).toBe(200);
  return applied.body;
}
