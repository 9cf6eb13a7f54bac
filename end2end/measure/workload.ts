import { createHash } from "node:crypto";

/** Rules and decisions from a seed: equal on every machine. */
const SEED = 20_261_123;
const AGENTS = 20;
const ACTIONS = 6;
const CATEGORIES = 40;
const MOST = { amount: 100_000, risk_score: 100 };

/** A small random number generator (mulberry32), since `Math.random` cannot be seeded. */
export function random(seed = SEED): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const two = (number: number) => String(number).padStart(2, "0");
const agents = Array.from({ length: AGENTS }, (_, at) => `desk${two(at)}.worker`);
const actions = Array.from({ length: ACTIONS }, (_, at) => `action${two(at)}`);
const categories = Array.from({ length: CATEGORIES }, (_, at) => `category-${two(at)}`);

export interface Rule {
  id: string;
  agent: string;
  action: string;
  conditions: Record<string, unknown>;
  effect: string;
  reason: string;
  priority: number;
  budget: { cost: number; compute: number; risk: string };
}

/** `count` rules, one in twenty of them for every agent or action. */
export function rules(count: number): Rule[] {
  const below = random();
  return Array.from({ length: count }, (_, number) => {
    const conditions: Record<string, unknown> = {};
    const low = below(80);
    conditions[">=risk_score"] = low;
    if (below(2) === 0) conditions["<risk_score"] = low + 5 + below(20);
    if (below(3) > 0) {
      conditions.category = [...new Set(Array.from({ length: 1 + below(4) }, () => categories[below(CATEGORIES)]))];
    }
    if (below(2) === 0) conditions["<=amount"] = 1_000 + below(MOST.amount);
    if (below(3) === 0) conditions.verified = below(2) === 0;
    return {
      id: `rule-${String(number).padStart(5, "0")}`,
      agent: below(20) === 0 ? "*" : agents[below(AGENTS)],
      action: below(20) === 0 ? "*" : actions[below(ACTIONS)],
      conditions,
      effect: ["deny", "needs_approval", "allow"][below(3)],
      reason: `What the desk agreed on for case ${number}.`,
      priority: below(1_001),
      budget: { cost: below(100), compute: 1, risk: "low" },
    };
  });
}

/** `count` recorded decisions over a week, in the binary format that `/policy/corpus` streams. */
export function corpus(count: number): Buffer {
  const below = random(SEED + 1);
  const narrow = (codes: (row: number) => number) => Buffer.from(Uint8Array.from({ length: count }, (_, row) => codes(row)));
  const own = (size: number) => narrow(() => 4 + below(size));
  const spread = Array.from({ length: 20_000 }, (_, at) => at * 5);
  const amounts = Buffer.alloc(2 * count);
  for (let row = 0; row < count; row++) amounts.writeUInt16LE(4 + below(spread.length), 2 * row);
  // At most one decision per second: times are distinct values, as in recorded traffic.
  const week = 7 * 86_400;
  const start = 1_790_000_000;
  const times = Array.from({ length: week }, (_, second) => (start + second) * 1_000_000);
  const decided = Buffer.alloc(4 * count);
  for (let row = 0; row < count; row++) {
    decided.writeUInt32LE(4 + Math.floor((row / count) * (week - 1)), 4 * row);
  }
  const columns = [
    Buffer.concat([about(1), texts(agents), Buffer.from([1]), own(AGENTS)]),
    Buffer.concat([about(2), texts(actions), Buffer.from([1]), own(ACTIONS)]),
    Buffer.concat([about(5), numbers(times), Buffer.from([4]), decided]),
    Buffer.concat([field("amount"), numbers(spread), Buffer.from([2]), amounts]),
    Buffer.concat([field("category"), texts(categories), Buffer.from([1]), own(CATEGORIES)]),
    Buffer.concat([
      field("risk_score"),
      numbers(Array.from({ length: MOST.risk_score + 1 }, (_, at) => at)),
      Buffer.from([1]),
      own(MOST.risk_score + 1),
    ]),
    Buffer.concat([field("verified"), numbers([]), Buffer.from([1]), narrow(() => 2 + below(2))]),
  ];
  const body = Buffer.concat(columns);
  const head = Buffer.alloc(28);
  head.write("CSCORPUS", "latin1");
  head.writeUInt16LE(1, 8);
  head.writeUInt8(2, 10);
  head.writeUInt32LE(count, 12);
  head.writeUInt32LE(columns.length, 16);
  head.writeBigUInt64LE(BigInt(body.length), 20);
  const digest = createHash("sha256").update(head).update(body).digest();
  return Buffer.concat([head, digest, body]);
}

const u32 = (number: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
};

const about = (role: number) => Buffer.from([role]);

function field(name: string): Buffer {
  return Buffer.concat([Buffer.from([0, 1, 0]), u32(name.length), Buffer.from(name)]);
}

/** The distinct values of a column of ASCII texts. */
function texts(values: string[]): Buffer {
  let end = 0;
  const ends = values.map((value) => u32((end += value.length)));
  return Buffer.concat([u32(0), u32(values.length), u32(0), ...ends, u32(end), Buffer.from(values.join(""))]);
}

function numbers(values: number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, at) => bytes.writeDoubleLE(value, 8 * at));
  return Buffer.concat([u32(values.length), u32(0), u32(0), bytes, u32(0)]);
}
