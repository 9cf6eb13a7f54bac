import { expect, open, signIn, test } from "../support/studio.ts";

test("a stranger is sent to sign in, and then where they wanted to go", async ({ page, server }) => {
  await open(page, "/rollouts");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  const { email, password } = server.person("viewer");
  await page.getByLabel("Email", { exact: true }).fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/rollouts$/);
});

test("a wrong password and an unknown person get the same clear refusal", async ({ page, server, troubles }) => {
  troubles.expect(/status of 40[013]/);
  const refusals: string[] = [];
  for (const email of [server.person("author").email, "nobody@demo.test"]) {
    await open(page, "/sign-in");
    await page.getByLabel("Email", { exact: true }).fill(email);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const alert = page.getByRole("alert").filter({ hasText: /\w/ });
    await expect(alert).toBeVisible();
    refusals.push(await alert.innerText());
  }
  expect(refusals[0]).toBe(refusals[1]);
});

test("nobody is sent to another site after signing in", async ({ page, server }) => {
  for (const next of ["https://example.test/", "//example.test/", "/\\example.test/"]) {
    // Away from the last page first: it would ask for its live state without a session.
    await page.goto("about:blank");
    await page.context().clearCookies();
    await open(page, `/sign-in?next=${encodeURIComponent(next)}`);
    const { email, password } = server.person("viewer");
    await page.getByLabel("Email", { exact: true }).fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
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
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
});
