import { type Provider, startProvider } from "../support/provider.ts";
import { type Server, startServer } from "../support/server.ts";
import { expect, open, signIn, test } from "../support/studio.ts";

const person = (groups: string[]) => ({ people: { ann: { email: "ann@example.com", email_verified: true, name: "Ann Lee", groups } } });

let provider: Provider;
let studio: Server;

test.beforeAll(async () => {
  studio = await startServer(async (url) => {
    provider = await startProvider(url);
    return {
      COUNTERSIGN_OIDC_ISSUER: provider.issuer,
      COUNTERSIGN_OIDC_CLIENT_ID: "countersign",
      COUNTERSIGN_OIDC_CLIENT_SECRET: "a secret of the client",
      COUNTERSIGN_OIDC_NAME: "Example ID",
      COUNTERSIGN_OIDC_SCOPES: "email profile groups",
    };
  });
});

test.afterAll(async () => {
  await studio?.stop();
  provider?.stop();
});

test("a person signs in through the provider, works, and is thrown out once the group is gone", async ({ browser, troubles }) => {
  test.setTimeout(180_000);
  troubles.expect(/status of 40[13]/);
  // The provider's pages have no icon.
  troubles.expect(/favicon\.ico/);
  const context = async () => {
    const page = await (await browser.newContext({ baseURL: studio.url })).newPage();
    troubles.watch(page);
    return page;
  };

  // An administrator gives a group a role, and has the provider asked every minute.
  const admin = await context();
  await signIn(admin, studio, "admin");
  await open(admin, "/settings?tab=sign-in");
  await admin.getByLabel("Minutes within which the provider confirms a session").fill("1");
  await admin.getByRole("button", { name: "Save sign-in" }).click();
  await expect(admin.getByText("Sign-in saved")).toBeVisible();
  const form = admin.locator("form").filter({ has: admin.getByRole("button", { name: "Save group" }) });
  await form.getByLabel("Group", { exact: true }).fill("policy-authors");
  await form.getByLabel("author", { exact: true }).check();
  await form.getByRole("button", { name: "Save group" }).click();
  await expect(admin.getByRole("row", { name: /policy-authors/ })).toContainText("author");

  await provider.set(person(["policy-authors"]));
  const ann = await context();
  await open(ann, "/audit");
  await expect(ann).toHaveURL(/\/sign-in\?next=/);
  await ann.getByRole("link", { name: "Sign in with Example ID" }).click();
  await ann.getByRole("link", { name: "Sign in as ann" }).click();
  await expect(ann).toHaveURL(`${studio.url}/audit`);
  await open(ann, "/me");
  await expect(ann.getByText("ann@example.com")).toBeVisible();
  await expect(ann.getByRole("button", { name: "Unlink" })).toBeVisible();

  await provider.set(person(["strangers"]));
  await expect
    .poll(
      async () => {
        await ann.goto("/me");
        return new URL(ann.url()).pathname;
      },
      { timeout: 90_000, intervals: [3_000] },
    )
    .toBe("/sign-in");
  await open(ann, "/sign-in");
  await ann.getByRole("link", { name: "Sign in with Example ID" }).click();
  await expect(ann.getByText("none of your groups there has a role here")).toBeVisible();
  for (const page of [admin, ann]) await page.context().close();
});
