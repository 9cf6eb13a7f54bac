import { readFile } from "node:fs/promises";
import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "packet" });

test("the evidence of a packet is replayed in the browser, and printed completely", async ({ as, api }) => {
  const { body } = await api("viewer").get("/policy/packets");
  const [packet] = body.packets;
  const page = await as("approver");
  await open(page, `/reviews/${packet.packet_id}`);

  await test.step("the checksum is computed in the browser", async () => {
    await page.getByRole("button", { name: "Re-run replay" }).click();
    await expect(page.getByText("✓ Same checksum")).toBeVisible();
    await expect(page.getByText(/^Computed here: sha256:/)).toBeVisible();
  });

  for (const name of ["Impact", "Text", "Safety", "Evidence", "Timeline", "Meaning"]) {
    await test.step(`${name} has content`, async () => {
      await page.getByRole("tab", { name: new RegExp(`^${name}`) }).click();
      const panel = page.getByRole("tabpanel", { name: new RegExp(`^${name}`) });
      await expect(panel).toBeVisible();
      expect((await panel.innerText()).length).toBeGreaterThan(40);
    });
  }

  await test.step("on paper all tabs are printed one below the other, without buttons", async () => {
    await page.emulateMedia({ media: "print" });
    for (const panel of await page.locator(".packet-columns .tab-panel").all()) {
      await expect(panel).toBeVisible();
    }
    await expect(page.getByRole("button", { name: "Approve", exact: true })).toBeHidden();
    await expect(page.getByRole("button", { name: "Re-run replay" })).toBeHidden();
  });
});

test("a file dropped on the studio is verified", async ({ as, api }, info) => {
  const drafts = async () => {
    const { body } = await api("viewer").get("/policy/bundles?state=draft");
    return body.bundles.map((bundle: { id: number }) => bundle.id);
  };
  const before = await drafts();
  const page = await as("author");
  await open(page, "/studio");
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: /^Export / }).first().click();
  const path = info.outputPath("signed.json");
  await (await downloading).saveAs(path);
  const text = await readFile(path, "utf8");

  await page.getByRole("button", { name: "Import", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Import" });
  const transfer = await page.evaluateHandle((content) => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([content], "signed.json", { type: "application/json" }));
    return dropped;
  }, text);
  await dialog.locator(".drop-zone").dispatchEvent("drop", { dataTransfer: transfer });
  await expect(dialog.getByText("Valid signature")).toBeVisible();
  // The file was only verified: nothing was saved.
  expect(await drafts()).toEqual(before);
});
