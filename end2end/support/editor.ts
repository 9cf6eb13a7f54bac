import { type Page, expect } from "@playwright/test";
import { open } from "./studio.ts";

/** Starts a draft from the list of bundles; returns its id. */
export async function newDraft(page: Page): Promise<number> {
  await open(page, "/studio");
  await page.getByRole("button", { name: "New draft", exact: true }).click();
  await page.waitForURL(/\/studio\/\d+$/);
  return Number(new URL(page.url()).pathname.split("/").pop());
}

/** Starts a draft and adds a rule to it, without saving; returns the draft's id. */
export async function newDraftWith(page: Page, rule: object): Promise<number> {
  const id = await newDraft(page);
  const source = await readSource(page);
  await writeSource(page, { ...source, rules: [...source.rules, rule] });
  return id;
}

/** The bundle as the Source tab shows it. */
export async function readSource(page: Page) {
  await page.getByRole("tab", { name: "Source" }).click();
  return JSON.parse(await page.getByRole("textbox", { name: "Source" }).inputValue());
}

/** Replaces the bundle's text at once, as pasting does; `fill` is slow for a thousand lines. */
export async function writeSource(page: Page, source: unknown): Promise<void> {
  await page.getByRole("tab", { name: "Source" }).click();
  await page.getByRole("textbox", { name: "Source" }).evaluate((field, text) => {
    (field as HTMLTextAreaElement).value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }, JSON.stringify(source, null, 2));
}

export async function saveDraft(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save draft", exact: true }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
}

/** Submits the saved draft; returns the packet's id. */
export async function submit(page: Page, fallbackPlan: string): Promise<string> {
  await page.getByRole("button", { name: "Submit for review", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Fallback plan/).fill(fallbackPlan);
  await dialog.getByRole("button", { name: /^Submit/ }).click();
  await page.waitForURL(/\/reviews\/pktv1/);
  return decodeURIComponent(new URL(page.url()).pathname.split("/").pop() ?? "");
}
