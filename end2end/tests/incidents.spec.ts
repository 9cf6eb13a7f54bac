import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "incidents" });

test("an incident is handled until it is closed, with a post-mortem", async ({ as, api }) => {
  const { body } = await api("author").post("/incidents", { title: "Mail is late", severity: "high" });
  const page = await as("safety_owner");
  await open(page, `/incidents/${body.id}`);
  await page.getByRole("button", { name: "Acknowledge", exact: true }).click();
  await page.getByLabel("Note").fill("Sent by hand.");
  await page.getByRole("button", { name: "Mark mitigated", exact: true }).click();
  await expect(page.getByText("Mitigated the incident. Sent by hand.")).toBeVisible();
  await page.getByRole("button", { name: "Resolve", exact: true }).click();

  // Text that was typed stays when the incident changes meanwhile.
  const text = page.getByLabel("What happened, why, and what is done about it");
  await expect(text).toHaveValue(/# Policy Post-Mortem: Mail is late/);
  await text.fill("# What happened\nA typo.");
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page.getByText("Closed the incident.")).toBeVisible();
  await expect(text).toHaveValue("# What happened\nA typo.");
  await page.getByRole("button", { name: "Save post-mortem", exact: true }).click();
  await expect(page.getByText(/^Revision 1, saved by/)).toBeVisible();
  const saved = await api("author").get(`/incidents/${body.id}/post-mortem`);
  expect(saved.body.markdown).toBe("# What happened\nA typo.");
});
