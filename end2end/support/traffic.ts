import type { Server } from "./server.ts";

/** The part of evaluate's answer that the tests check. */
export interface Decision {
  decision_id: string;
  effect: string;
  arm: "stable" | "canary" | "none";
  bundle: { id: number; version: string };
}

/** Asks for one decision per subject, a few at a time, and returns them in the order of the subjects. */
export async function decide(server: Server, subjects: string[]): Promise<Decision[]> {
  const decisions: Decision[] = new Array(subjects.length);
  let next = 0;
  const worker = async () => {
    while (next < subjects.length) {
      const mine = next++;
      decisions[mine] = await decideOne(server, subjects[mine]);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return decisions;
}

export async function decideOne(server: Server, subject: string): Promise<Decision> {
  const response = await fetch(`${server.url}/policy/evaluate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${server.person("service").token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      agent: "inbox.triage",
      action: "quarantine",
      subject,
      context: { risk_score: 92, category: "phishing", domain_seen_days: 3, sender_vip: false },
    }),
  });
  if (response.status !== 200) throw new Error(`evaluate answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Decision;
}
