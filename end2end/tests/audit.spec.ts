import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "audit" });

test("each click verifies the chain", async ({ as }) => {
  const page = await as("viewer");
  await open(page, "/audit");
  for (let press = 0; press < 2; press++) {
    await page.getByRole("button", { name: "Verify chain", exact: true }).click();
    await expect(page.getByRole("status").getByText("Verified")).toBeVisible();
    await expect(page).toHaveURL(new RegExp(`verify=${press + 1}`));
  }
});

test("the chain is verified without scripts", async ({ as }) => {
  const page = await as("viewer", { javaScript: false });
  await page.goto("/audit");
  await page.getByRole("button", { name: "Verify chain", exact: true }).click();
  await expect(page.getByText("Verified")).toBeVisible();
});

test("the record is downloaded as lines that end with a checkpoint", async ({ as }) => {
  const page = await as("viewer");
  await open(page, "/audit");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export", exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("countersign-audit.jsonl");
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const lines = Buffer.concat(chunks).toString().trim().split("\n");
  expect(JSON.parse(lines.at(-1) ?? "")).toHaveProperty("checkpoint.signature");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ seq: 1, entry_hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test("home links to the key figures", async ({ as }) => {
  const page = await as("safety_owner");
  await open(page, "/");
  await page.getByRole("link", { name: "All key figures" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "KPIs" })).toBeVisible();
  for (const name of ["Rollback spike", "False positives", "Margin gap"]) {
    await expect(page.getByRole("heading", { level: 2, name })).toBeVisible();
  }
});
