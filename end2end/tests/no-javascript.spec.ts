import { everyPlace } from "../support/places.ts";
import { draftLikeStable, startCanary } from "../support/policy.ts";
import { expect, fillSignIn, test } from "../support/studio.ts";

test.use({ workspace: "no-javascript", javaScriptEnabled: false });

test("signing in and reading work without scripts", async ({ page, server, api }) => {
  await page.goto("/sign-in");
  await fillSignIn(page, server.person("viewer"));
  await expect(page).toHaveURL(`${server.url}/`);
  for (const { name, path } of await everyPlace(api("viewer"))) {
    const response = await page.goto(path);
    expect.soft(response?.status(), name).toBe(200);
    await expect.soft(page.getByRole("heading", { level: 1 }), name).toBeVisible();
    await expect.soft(page.getByText(/loading/i), `${name} is complete`).toHaveCount(0);
  }
});

test("a packet is signed with a plain form", async ({ as, api }) => {
  const draft = await draftLikeStable(api("author"), "plain-form-review");
  const built = await api("author").post("/policy/packets", {
    bundle_id: draft.id,
    fallback_plan: "Roll back to the version before.",
  });
  expect(built.status, JSON.stringify(built.body)).toBe(201);
  const page = await as("approver", { javaScript: false });
  await page.goto(`/reviews/${encodeURIComponent(built.body.packet_id)}`);
  await page.getByLabel(/^Reason/).fill("Read and understood.");
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  const { body } = await api("approver").get(`/policy/packets/${built.body.packet_id}`);
  expect(body.actions.map((action: { decision: string }) => action.decision)).toEqual(["approve"]);
});

test("a canary is rolled back with a plain form", async ({ as, api }) => {
  const draft = await draftLikeStable(api("author"), "plain-form-rollback");
  await startCanary(api, draft.id);

  const page = await as("safety_owner", { javaScript: false });
  await page.goto("/rollouts");
  await page.getByLabel(/^Reason/).first().fill("Rolled back from a phone without scripts.");
  await page.getByRole("button", { name: /^Roll back/ }).first().click();
  const { body } = await api("viewer").get(`/policy/bundles/${draft.id}`);
  expect(body.state).toBe("rolled_back");
});
