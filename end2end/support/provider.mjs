// A sign-in provider for tests: the real `oidc-provider`, with people and faults that a test sets while it runs.
//
//   node provider.mjs REDIRECT_URI
//
// Prints its issuer as the first line. PUT /test takes any of these members:
//   people       {name: {email, email_verified, name, groups}}: who can sign in, by subject
//   person       whom the sign-in page signs in without asking
//   idTokenTtl   seconds that an ID token is valid for
//   tokensTake   milliseconds after which tokens arrive
//   refresh      whether refresh tokens are given
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirectUri] = process.argv.slice(2);
const state = { people: {}, person: undefined, idTokenTtl: 300, tokensTake: 0, refresh: true };

const server = createServer((request, response) => void handle(request, response));
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "countersign",
      client_secret: "a secret of the client",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    },
  ],
  scopes: ["openid", "email", "profile", "groups", "offline_access"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  conformIdTokenClaims: true,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["a key of the test"] },
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    Grant: 600,
    IdToken: () => state.idTokenTtl,
    Interaction: 600,
    RefreshToken: 600,
    Session: 600,
  },
  issueRefreshToken: async () => state.refresh,
  interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
  async findAccount(_context, subject) {
    if (!state.people[subject]) return undefined;
    return { accountId: subject, claims: async () => ({ sub: subject, ...state.people[subject] }) };
  },
  // Nobody is asked whether this program may know them.
  async loadExistingGrant(context) {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email profile groups offline_access");
    await grant.save();
    return grant;
  },
});
const standard = provider.callback();

async function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (pathname === "/test") {
    let text = "";
    for await (const part of request) text += part;
    Object.assign(state, JSON.parse(text));
    response.end();
  } else if (pathname.startsWith("/sign-in/")) {
    const person = searchParams.get("person") ?? state.person;
    if (person) {
      const result = person === "nobody" ? { error: "access_denied" } : { login: { accountId: person } };
      await provider.interactionFinished(request, response, result);
    } else {
      response.setHeader("content-type", "text/html; charset=utf-8");
      const links = Object.keys(state.people).map((name) => `<p><a href="?person=${name}">Sign in as ${name}</a></p>`);
      response.end(`<!DOCTYPE html><html lang="en"><title>Test provider</title><h1>Test provider</h1>${links.join("")}`);
    }
  } else {
    if (pathname === "/token") {
      const end = response.end.bind(response);
      response.end = (...parts) => setTimeout(() => end(...parts), state.tokensTake);
    }
    standard(request, response);
  }
}

console.log(issuer);
// The test that started this process ends it by closing its input.
process.stdin.resume();
process.stdin.on("end", () => process.exit());
