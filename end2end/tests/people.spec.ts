import { expect, fillSignIn, open, test } from "../support/studio.ts";

const PASSWORD = "words of my own";

test("an invited person chooses a password, works, and is thrown out at the next click when disabled", async ({
  as,
  browser,
  server,
  troubles,
}) => {
  troubles.expect(/status of (401|422)/);
  const email = `ann-${Date.now()}@example.com`;
  const admin = await as("admin");
  await open(admin, "/settings?tab=people");
  await admin.getByRole("button", { name: "Invite person", exact: true }).click();
  const dialog = admin.getByRole("dialog", { name: "Invite person" });
  await dialog.getByLabel("Email", { exact: true }).fill(email);
  await dialog.getByLabel("Name", { exact: true }).fill("Ann Lee");
  await dialog.getByLabel("author", { exact: true }).check();
  await dialog.getByRole("button", { name: "Invite person", exact: true }).click();
  const link = await admin.locator("code.secret").innerText();
  expect(link).toContain(`${server.url}/join?code=`);

  // First sign-in, with a password that nobody else knows.
  const context = await browser.newContext({ baseURL: server.url });
  const ann = await context.newPage();
  troubles.watch(ann);
  await open(ann, link.replace(server.url, ""));
  await expect(ann.getByRole("heading", { level: 1 })).toHaveText("Choose your password");
  await expect(ann.getByText(email)).toBeVisible();
  await ann.getByLabel("Password", { exact: true }).fill("password123");
  await ann.getByRole("button", { name: "Save password" }).click();
  await expect(ann.getByRole("alert").filter({ hasText: /first that anybody would try/ })).toBeVisible();
  await ann.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await ann.getByRole("button", { name: "Save password" }).click();
  await ann.waitForURL((url) => url.pathname === "/");

  // The page You: a password of her own choice needs the old one; her session is listed.
  await ann.getByRole("link", { name: "Ann Lee" }).click();
  await expect(ann.getByRole("heading", { level: 1 })).toHaveText("You");
  await expect(ann.getByRole("row").filter({ hasText: "this one" })).toHaveCount(1);
  await ann.getByLabel("Old password").fill("not the old one");
  await ann.getByLabel("New password").fill("other words of my own");
  await ann.getByRole("button", { name: "Change password" }).click();
  await expect(ann.getByRole("alert").filter({ hasText: /not your password/ })).toBeVisible();
  await ann.getByLabel("Old password").fill(PASSWORD);
  await ann.getByLabel("New password").fill("other words of my own");
  await ann.getByRole("button", { name: "Change password" }).click();
  await expect(ann.getByText("Password changed")).toBeVisible();

  // The link works once.
  const second = await context.newPage();
  await open(second, link.replace(server.url, ""));
  await expect(second.getByRole("heading", { level: 1 })).toHaveText("This link does not work");
  await second.close();

  // Disabled while she is signed in: the next click leads to the sign-in.
  await admin.reload();
  await admin.getByRole("button", { name: "Disable Ann Lee" }).click();
  await expect(admin.getByRole("row").filter({ hasText: email })).toContainText("disabled");
  await ann.getByRole("link", { name: "Audit" }).click();
  await expect(ann).toHaveURL(/\/sign-in/);
  await fillSignIn(ann, { email, password: "other words of my own" });
  await expect(ann.getByRole("alert").filter({ hasText: /\w/ })).toBeVisible();
  await context.close();
});
