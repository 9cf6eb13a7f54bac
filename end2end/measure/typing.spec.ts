import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { expect, test } from "../support/studio.ts";
import { type Rule, corpus, rules } from "./workload.ts";

const RULES = 1_000;
const DECISIONS = 100_000;
const MANY = 1_000_000;
const KEYSTROKES = 60;
const WARM_UP = 6;
const EDITED = 10;

test.use({ workspace: "measure" });

/** The measurements of the page while a person types. */
declare global {
  interface Window {
    typed?: number;
    settled?: (took: { settled: number; painted: number }) => void;
  }
}

test("typing into a draft of 1,000 rules over 100,000 decisions", async ({ as, api, browser }) => {
  const page = await as("author");
  const draft = { version: "9.0.0", default_effect: "deny", on_error: "deny", rules: rules(RULES) };
  const made = await api("author").post("/policy/bundles", draft);
  expect(made.status, JSON.stringify(made.body).slice(0, 500)).toBe(201);

  // Stable differs from the draft in ten thresholds, and the decisions come from the workload.
  await page.route("**/api/bundles/open*", async (route) => {
    const response = await route.fetch();
    const bench = await response.json();
    const edited = (rule: Rule, at: number) =>
      at % (RULES / EDITED) === 0 ? { ...rule, conditions: { ...rule.conditions, ">=risk_score": 81 } } : rule;
    const stable = { ...bench.record, id: bench.record.id + 1_000, version: "8.0.0", state: "active" };
    await route.fulfill({ response, json: { ...bench, stable: { ...stable, rules: stable.rules.map(edited) } } });
  });
  await page.route("**/policy/corpus?limit=*", (route) => {
    const limit = Number(new URL(route.request().url()).searchParams.get("limit"));
    return route.fulfill({ body: corpus(limit), contentType: "application/octet-stream" });
  });

  // Opened by a link, so that the page fetches the data that `page.route` replaces.
  await page.goto("/studio");
  await page.locator("html[data-hydrated=true]").waitFor({ state: "attached" });
  await page.locator(`a[href="/studio/${made.body.id}"]`).first().click();
  const status = page.locator(".dock-status");
  await expect(status).toContainText("100,000 cases", { timeout: 60_000 });

  await page.getByRole("searchbox", { name: "Filter rules" }).fill("rule-00042");
  await page.getByRole("button", { name: "rule-00042", exact: true }).click();
  await page.getByRole("searchbox", { name: "Filter rules" }).fill("");
  const value = page.locator(".condition-row input.num.condition-value").first();
  await value.click();
  await page.evaluate(() => {
    window.addEventListener("keydown", (event) => (window.typed = event.timeStamp), { capture: true });
    new PerformanceObserver((list) => {
      const mark = list.getEntriesByName("draft-settled").at(-1);
      const typed = window.typed;
      if (!mark || typed === undefined || mark.startTime < typed) return;
      requestAnimationFrame(() =>
        setTimeout(() => {
          window.settled?.({ settled: mark.startTime - typed, painted: performance.now() - typed });
        }),
      );
    }).observe({ type: "mark" });
  });
  const press = async (key: string) => {
    const settled = page.evaluate(
      () => new Promise<{ settled: number; painted: number }>((done) => (window.settled = done)),
    );
    await page.keyboard.press(key);
    return await settled;
  };
  const keys = ["1", "Backspace"];
  for (let at = 0; at < WARM_UP; at++) await press(keys[at % 2]);

  const trace = test.info().outputPath("trace.json");
  const categories = ["disabled-by-default-devtools.timeline", "toplevel", "__metadata"];
  await browser.startTracing(page, { path: trace, categories });
  const taken = [];
  for (let at = 0; at < KEYSTROKES; at++) taken.push(await press(keys[at % 2]));
  await browser.stopTracing();

  await page.getByRole("combobox", { name: "Cases" }).selectOption("all");
  await expect(status).toContainText("1,000,000 cases", { timeout: 120_000 });
  const replays = [];
  for (let at = 0; at < 7; at++) {
    await press(keys[at % 2]);
    replays.push(Number(/(\d[\d,.]*) ms/.exec(await status.innerText())?.[1].replaceAll(",", "")));
  }

  const result = {
    rules: RULES,
    decisions: DECISIONS,
    keystrokes: KEYSTROKES,
    keystroke_ms: spread(taken.map((one) => one.settled)),
    painted_ms: spread(taken.map((one) => one.painted)),
    longest_task_ms: round(longestTask(trace)),
    replayed: MANY,
    replay_1m_ms: spread(replays).median,
    machine: `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    browser: `Chromium ${browser.version()}`,
  };
  console.log(JSON.stringify(result, null, 2));
  const folder = process.env.RESULTS ?? "../bench/results";
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/browser.json`, `${JSON.stringify(result, null, 2)}\n`);
});

const round = (number: number) => Math.round(number * 10) / 10;

function spread(numbers: number[]): { median: number; p95: number } {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
  return { median: at(0.5), p95: at(0.95) };
}

/** The longest task of the page's main thread, in milliseconds. */
function longestTask(file: string): number {
  interface Event {
    name: string;
    ph: string;
    pid: number;
    tid: number;
    dur?: number;
    args?: { name?: string };
  }
  const { traceEvents } = JSON.parse(readFileSync(file, "utf8")) as { traceEvents: Event[] };
  const mains = new Set(
    traceEvents
      .filter((event) => event.name === "thread_name" && event.args?.name === "CrRendererMain")
      .map((event) => `${event.pid}/${event.tid}`),
  );
  const tasks = traceEvents.filter(
    (event) => event.ph === "X" && /RunTask$/.test(event.name) && mains.has(`${event.pid}/${event.tid}`),
  );
  expect(tasks.length, "tasks in the trace").toBeGreaterThan(0);
  return Math.max(...tasks.map((task) => (task.dur ?? 0) / 1_000));
}
