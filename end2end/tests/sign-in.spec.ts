import { expect, fillSignIn, open, signIn, test } from "../support/studio.ts";

test("an anonymous visitor is sent to the sign-in, and afterwards to the page they asked for", async ({ page, server }) => {
  await open(page, "/rollouts");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await fillSignIn(page, server.person("viewer"));
  await expect(page).toHaveURL(/\/rollouts$/);
});

test("a wrong password and an unknown email get one and the same error", async ({ page, server, troubles }) => {
  troubles.expect(/status of 40[013]/);
  const refusals: string[] = [];
  for (const email of [server.person("author").email, "nobody@demo.test"]) {
    await open(page, "/sign-in");
    await fillSignIn(page, { email, password: "not the password" });
    const alert = page.getByRole("alert").filter({ hasText: /\w/ });
    await expect(alert).toBeVisible();
    refusals.push(await alert.innerText());
  }
  expect(refusals[0]).toBe(refusals[1]);
});

test("signing in never redirects to another site", async ({ page, server }) => {
  for (const next of ["https://example.test/", "//example.test/", "/\\example.test/"]) {
    // Leaves the last page first, which would fetch its state without a session.
    await page.goto("about:blank");
    await page.context().clearCookies();
    await open(page, `/sign-in?next=${encodeURIComponent(next)}`);
    await fillSignIn(page, server.person("viewer"));
    await page.waitForURL((url) => url.pathname === "/");
    expect(page.url().startsWith(server.url)).toBe(true);
  }
});

test("a demo person is one click away, and signing out ends the session", async ({ page, server }) => {
  await open(page, "/sign-in");
  await page.getByRole("button", { name: new RegExp(server.person("author").name) }).click();
  await page.waitForURL((url) => url.pathname === "/");
  await open(page, "/");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goto("/audit");
  await expect(page).toHaveURL(/\/sign-in/);
});

test("signing in changes the session's cookie, which scripts cannot read", async ({ page, server }) => {
  await signIn(page, server, "viewer");
  const [cookie] = (await page.context().cookies()).filter(({ name }) => name.includes("countersign_session"));
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
});
