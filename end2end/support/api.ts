import type { Role, Server } from "./server.ts";

/** The server's answer, whatever the status. */
export interface Answer {
  status: number;
  body: any;
}

/** The HTTP API as one role's bearer token sees it. */
export class Api {
  constructor(
    private readonly server: Server,
    private readonly role: Role,
  ) {}

  get(path: string): Promise<Answer> {
    return this.send("GET", path);
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.send("POST", path, body);
  }

  put(path: string, body: unknown, etag: string): Promise<Answer> {
    return this.send("PUT", path, body, { "If-Match": etag });
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.server.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.server.person(this.role).token}`,
        "Content-Type": "application/json",
        Accept: "application/json",
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }
}
