import { approvedPacket, draftLikeStable } from "../support/policy.ts";
import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "pause" });

test("a safety owner pauses from a phone, a promotion is refused, and two people release", async ({ as, api }) => {
  const draft = await draftLikeStable(api("author"), "paused-apply");
  const packet = await approvedPacket(api, draft.id);
  const safety = await as("safety_owner");
  const runtime = await as("runtime_owner");

  await test.step("a reason and one confirmation", async () => {
    await safety.setViewportSize({ width: 360, height: 740 });
    await open(safety, "/");
    await safety.getByRole("button", { name: "Pause", exact: true }).click();
    const dialog = safety.getByRole("dialog", { name: "Pause" });
    await expect(dialog.getByLabel("Reason")).toBeFocused();
    await dialog.getByLabel("Reason").fill("Margins fall on mail from partners");
    await dialog.getByRole("button", { name: "Pause now" }).click();
    await expect(safety.getByText("Paused: Margins fall on mail from partners", { exact: true })).toBeVisible();
    await expect(dialog).toBeHidden();
    const { body } = await api("viewer").get("/policy/system");
    expect(body.pause.ticket).toMatch(/^INC-\d{4}-\d{4}$/);
  });

  await test.step("nothing enters service, and every page says why", async () => {
    const refused = await api("runtime_owner").post(`/policy/bundles/${draft.id}/activate`, { packet_id: packet.packet_id });
    expect(refused).toMatchObject({ status: 423, body: { code: "paused", reason: "Margins fall on mail from partners" } });
    for (const path of ["/", "/rollouts", "/audit"]) {
      await open(runtime, path);
      await expect(runtime.getByRole("region", { name: "Safety pause" })).toContainText("0 of 2");
    }
    await expect(runtime.getByRole("button", { name: "Pause", exact: true })).toHaveCount(0);
  });

  await test.step("the first signature says who is still needed, the second ends it", async () => {
    const banner = safety.getByRole("region", { name: "Safety pause" });
    await banner.getByLabel("Remediation").fill("Partner prices were corrected");
    await banner.getByRole("button", { name: "Sign release" }).click();
    await expect(banner).toContainText("1 of 2");
    await expect(banner).toContainText("a runtime owner other than");
    await expect(banner.getByRole("button", { name: "Sign release" })).toHaveCount(0);

    await open(runtime, "/");
    await expect(runtime.getByRole("link", { name: /Sign the release of the safety pause, 2 of 2/ })).toBeVisible();
    const other = runtime.getByRole("region", { name: "Safety pause" });
    await other.getByLabel("Remediation").fill("Checked the prices");
    await other.getByRole("button", { name: "Sign release" }).click();
    await expect(other).toHaveCount(0);
    // The other person's page updates without a reload.
    await expect(banner).toHaveCount(0);
    expect((await api("viewer").get("/policy/system")).body.paused).toBe(false);
  });

  await test.step("a drill with the waiting packet passes and is listed", async () => {
    await open(runtime, "/drills");
    await runtime.getByRole("button", { name: "Run drill" }).click();
    await expect(runtime.getByRole("table", { name: "Drills" })).toContainText(draft.version);
    await expect(runtime.getByText("Passed").first()).toBeVisible();
    await expect(runtime.getByRole("table", { name: "Steps of the drill" }).locator("tbody tr")).toHaveCount(3);
    expect((await api("viewer").get(`/policy/bundles/${draft.id}`)).body.state).toBe("approved");
  });
});

test("a safety pause works without scripts, with plain forms", async ({ as, api }) => {
  const safety = await as("safety_owner", { javaScript: false });
  await safety.goto("/");
  await safety.getByRole("link", { name: "Pause", exact: true }).click();
  await safety.getByLabel("Reason").fill("Stopped without scripts");
  await safety.getByRole("button", { name: "Pause now" }).click();
  await expect(safety.getByText("Paused: Stopped without scripts", { exact: true })).toBeVisible();
  for (const role of ["safety_owner", "runtime_owner"] as const) {
    const page = await as(role, { javaScript: false });
    await page.goto("/rollouts");
    await page.getByLabel("Remediation").fill("Put right");
    await page.getByRole("button", { name: "Sign release" }).click();
  }
  expect((await api("viewer").get("/policy/system")).body.paused).toBe(false);
});

test("an administrator disables evaluation and enables it again", async ({ as, api }) => {
  const admin = await as("admin");
  await open(admin, "/settings?tab=emergency");
  await admin.getByLabel("Reason").fill("Emergency bypass");
  await admin.getByLabel(/^I understand/).check();
  await admin.getByRole("button", { name: "Disable evaluation" }).click();
  const banner = admin.getByRole("region", { name: "Evaluation disabled" });
  await expect(banner).toContainText("Emergency bypass");
  expect((await api("viewer").get("/policy/system")).body.enabled).toBe(false);
  await banner.getByRole("button", { name: "Enable evaluation" }).click();
  await expect(banner).toHaveCount(0);
  expect((await api("viewer").get("/policy/system")).body.enabled).toBe(true);
});
