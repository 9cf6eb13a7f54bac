import type { Api } from "./api.ts";

/** A page of the studio: its heading and its path. */
export interface Place {
  name: string;
  path: string;
}

/** Every page, with real ids of the demo workspace for those that show one thing. */
export async function everyPlace(api: Api): Promise<Place[]> {
  const first = async (path: string, list: string, id: string) => {
    const { status, body } = await api.get(path);
    if (status !== 200 || !body[list]?.length) throw new Error(`${path} answered ${status} with no ${list}`);
    return encodeURIComponent(String(body[list][0][id]));
  };
  const places = [
    { name: "Home", path: "/" },
    { name: "Approvals", path: "/approvals" },
    { name: "Studio", path: "/studio" },
    { name: "Draft", path: `/studio/${await first("/policy/bundles?state=draft", "bundles", "id")}` },
    { name: "Reviews", path: "/reviews" },
    { name: "Packet", path: `/reviews/${await first("/policy/packets", "packets", "packet_id")}` },
    { name: "Rollouts", path: "/rollouts" },
    { name: "Drills", path: "/drills" },
    { name: "Decisions", path: "/decisions" },
    { name: "Decision", path: `/decisions/${await first("/policy/decisions?limit=1", "decisions", "decision_id")}` },
    { name: "Incidents", path: "/incidents" },
    { name: "KPIs", path: "/kpis" },
    { name: "Audit", path: "/audit" },
    { name: "Settings", path: "/settings" },
    { name: "You", path: "/me" },
  ];
  const { body } = await api.get("/incidents");
  const incident = body.incidents?.[0];
  if (incident) places.push({ name: "Incident", path: `/incidents/${incident.id}` });
  const { body: asked } = await api.get("/policy/approvals?limit=1");
  const request = asked.approvals?.[0];
  if (request) places.push({ name: "Approval request", path: `/approvals/${request.id}` });
  return places;
}
