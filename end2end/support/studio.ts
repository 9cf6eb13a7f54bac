import { type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { Api } from "./api.ts";
import { type Role, type Server, startServer } from "./server.ts";

/** Tests of one workspace share a server with its data. Each name is a server of its own. */
interface WorkerOptions {
  workspace: string;
}

interface WorkerFixtures {
  server: Server;
  cookies: Map<Role, Awaited<ReturnType<BrowserContext["storageState"]>>>;
}

interface TestFixtures {
  troubles: Troubles;
  /** A page with this role signed in. */
  as(role: Role, options?: { javaScript?: boolean }): Promise<Page>;
  api(role: Role): Api;
}

/** Console errors, page errors and policy violations. A test fails on each error that it does not expect. */
export class Troubles {
  private readonly seen: string[] = [];
  private readonly expected: RegExp[] = [];

  /** From now on, errors that match are expected. */
  expect(pattern: RegExp): void {
    this.expected.push(pattern);
  }

  watch(page: Page): void {
    page.on("pageerror", (error) => this.seen.push(`${page.url()}: page error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" || /hydration|mismatch/i.test(message.text())) {
        this.seen.push(`${page.url()}: console ${message.type()}: ${message.text()} ${message.location().url}`);
      }
    });
  }

  unexpected(): string[] {
    return this.seen.filter((trouble) => !this.expected.some((pattern) => pattern.test(trouble)));
  }
}

export const test = base.extend<TestFixtures, WorkerOptions & WorkerFixtures>({
  workspace: ["shared", { option: true, scope: "worker" }],

  server: [
    async ({ workspace: _workspace }, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],

  cookies: [
    async ({}, use) => {
      await use(new Map());
    },
    { scope: "worker" },
  ],

  baseURL: async ({ server }, use) => {
    await use(server.url);
  },

  troubles: [
    async ({ context }, use) => {
      const troubles = new Troubles();
      context.on("page", (page) => troubles.watch(page));
      await use(troubles);
      expect(troubles.unexpected(), "errors in the browser's console").toEqual([]);
    },
    { auto: true },
  ],

  as: async ({ browser, server, cookies, troubles, contextOptions }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (role, options = {}) => {
      let state = cookies.get(role);
      if (!state) {
        // As a plain form, which is quicker; other tests cover the form with scripts.
        const context = await browser.newContext({ ...contextOptions, baseURL: server.url, javaScriptEnabled: false });
        const page = await context.newPage();
        await page.goto("/sign-in");
        await completeSignIn(page, server, role);
        state = await context.storageState();
        cookies.set(role, state);
        await context.close();
      }
      const context = await browser.newContext({
        ...contextOptions,
        baseURL: server.url,
        storageState: state,
        viewport: { width: 1280, height: 800 },
        javaScriptEnabled: options.javaScript ?? true,
      });
      contexts.push(context);
      const page = await context.newPage();
      troubles.watch(page);
      return page;
    });
    for (const context of contexts) await context.close();
  },

  api: async ({ server }, use) => {
    await use((role) => new Api(server, role));
  },
});

export { expect };

/** Goes through the sign-in form. */
export async function signIn(page: Page, server: Server, role: Role): Promise<void> {
  await open(page, "/sign-in");
  await completeSignIn(page, server, role);
}

async function completeSignIn(page: Page, server: Server, role: Role): Promise<void> {
  await fillSignIn(page, server.person(role));
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/** Fills the sign-in form and sends it. */
export async function fillSignIn(page: Page, credentials: { email: string; password: string }): Promise<void> {
  await page.getByLabel("Email", { exact: true }).fill(credentials.email);
  await page.getByLabel("Password", { exact: true }).fill(credentials.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Opens a page and waits until it is hydrated. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await hydrated(page);
}

export async function hydrated(page: Page): Promise<void> {
  await page.locator("html[data-hydrated=true]").waitFor({ state: "attached" });
}
