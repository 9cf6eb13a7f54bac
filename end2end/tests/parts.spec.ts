import type { Page } from "@playwright/test";
import { expect, open, test } from "../support/studio.ts";

const CHUNKS = "**/pkg/parts/**";

const rail = (page: Page, name: string) =>
  page.getByRole("navigation").first().getByRole("link", { name: new RegExp(`^${name}`) });

test("a page's code is fetched once, when the page is first opened", async ({ as }) => {
  const page = await as("viewer");
  const fetched: { url: string; headers: Record<string, string> }[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/pkg/parts/")) fetched.push({ url: response.url(), headers: response.headers() });
  });
  await open(page, "/");
  expect(fetched, "chunks that the first page does not need").toEqual([]);

  await rail(page, "Rollouts").click();
  await expect(page.getByRole("heading", { level: 1, name: "Rollouts" })).toBeVisible();
  expect(fetched.length, "chunks that the rollouts need").toBeGreaterThan(0);
  for (const { headers } of fetched) {
    expect(headers["content-type"]).toBe("application/wasm");
    expect(headers["cache-control"]).toContain("immutable");
  }

  const before = fetched.length;
  await rail(page, "Home").click();
  await rail(page, "Rollouts").click();
  await expect(page.getByRole("heading", { level: 1, name: "Rollouts" })).toBeVisible();
  expect(fetched.length).toBe(before);
});

test("while a page's code is fetched, the previous page stays", async ({ as }) => {
  const page = await as("viewer");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(CHUNKS, async (route) => {
    await held;
    await route.continue();
  });
  await open(page, "/");
  await rail(page, "Decisions").click();
  await expect(page.getByText("The page is on its way")).toBeAttached();
  await expect(page.getByRole("heading", { level: 1, name: "Home" })).toBeVisible();
  release();
  await expect(page.getByRole("heading", { level: 1, name: "Decisions" })).toBeVisible();
  await expect(page.getByText("The page is on its way")).not.toBeAttached();
});

test("a page whose code cannot be fetched shows an error, and opens once it can", async ({ as, troubles }) => {
  troubles.expect(/Failed to (fetch|load)/);
  const page = await as("viewer");
  await page.route(CHUNKS, (route) => route.abort());
  await open(page, "/");
  await rail(page, "Audit").click();
  await expect(page.getByRole("heading", { level: 1, name: "This page cannot be shown" })).toBeVisible();
  await page.unroute(CHUNKS);
  await rail(page, "Home").click();
  await rail(page, "Audit").click();
  await expect(page.getByRole("heading", { level: 1, name: "Audit" })).toBeVisible();
});
