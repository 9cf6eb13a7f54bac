import { readFile, writeFile } from "node:fs/promises";
import { stableBundle } from "../support/policy.ts";
import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "transfer" });

test("a bundle is exported, verified and imported as a draft", async ({ as, api }, info) => {
  const stable = await stableBundle(api("viewer"));
  const author = await as("author");
  const file = info.outputPath("signed.json");
  const dialog = author.getByRole("dialog", { name: "Import" });
  const choose = async (path: string) => {
    await open(author, "/studio");
    await author.getByRole("button", { name: "Import", exact: true }).click();
    await dialog.getByLabel("File", { exact: true }).setInputFiles(path);
  };
  const importIt = dialog.getByRole("button", { name: /^Import as/ });

  await test.step("Export downloads a signed file", async () => {
    await open(author, "/studio");
    const downloading = author.waitForEvent("download");
    await author.getByRole("link", { name: `Export ${stable.version}`, exact: true }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`policy-bundle-${stable.version}.json`);
    await download.saveAs(file);
  });

  await test.step("a changed file is refused with the reason", async () => {
    const text = await readFile(file, "utf8");
    const changed = info.outputPath("changed.json");
    await writeFile(changed, text.replace(/"expires_at":"20\d\d/, '"expires_at":"2999'));
    await choose(changed);
    await expect(dialog.getByText("Invalid signature")).toBeVisible();
    await expect(importIt).toBeDisabled();
  });

  await test.step("a version that exists is imported under the next number", async () => {
    await choose(file);
    await expect(dialog.getByText("Valid signature")).toBeVisible();
    await expect(importIt).toBeDisabled();
    await dialog.getByRole("button", { name: /^Use / }).click();
    await expect(dialog.getByText("New allows: none")).toBeVisible();
    await importIt.click();
    await author.waitForURL(/\/studio\/\d+$/);
    await expect(author.getByText("imported, signed")).toBeVisible();
    await author.getByRole("tab", { name: "Bundle", exact: true }).click();
    await expect(author.getByText(/^Imported by /)).toBeVisible();
  });

  await test.step("a bundle without a signature is offered as an unsigned draft", async () => {
    const bare = info.outputPath("bare.json");
    await writeFile(bare, JSON.stringify({ rules: stable.rules }));
    await choose(bare);
    await expect(dialog.getByText("Unsigned", { exact: false }).first()).toBeVisible();
    await dialog.getByRole("button", { name: "Import as unsigned draft", exact: true }).click();
    await author.waitForURL(/\/studio\/\d+$/);
    await expect(author.getByText("imported, unsigned")).toBeVisible();
  });
});
