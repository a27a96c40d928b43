import { AlterUserScramCredentials } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { ROUTE_PERMISSIONS } from "../../src/http/route-permissions.ts";
import { Lines } from "../audit/lines.ts";
import { ACLS_ON } from "../handlers/secured-broker.ts";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { createUser, MECHANISM } from "../sasl/sasl-client.ts";
import { unsecuredToken } from "../sasl/token-issuer.ts";
import { sslConfigs, TestAuthority } from "../tls/certificates.ts";
import { asked, basicAuth, sendRaw } from "./raw-http.ts";

const JAAS =
  "org.apache.kafka.common.security.plain.PlainLoginModule required " +
  'user_admin="admin-secret" user_alice="ä:b";';
const USERS = {
  listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
  "listener.security.protocol.map": "USERS:SASL_PLAINTEXT,OPEN:PLAINTEXT",
  "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
  "listener.name.users.plain.sasl.jaas.config": JAAS,
  "connection.failed.authentication.delay.ms": "1",
};
const SCRAM_ONLY = {
  "sasl.enabled.mechanisms": "SCRAM-SHA-512",
  "connection.failed.authentication.delay.ms": "1",
};
const start = (more: Record<string, string> = {}) => startOnRealPorts({ ...USERS, ...more });
const ADMIN = basicAuth("admin", "admin-secret");

describe("on a listener with SASL", () => {
  test("every path but /health and /ready takes a log-in, also one that does not exist", async () => {
    await using at = await start();
    const routes = Object.keys(ROUTE_PERMISSIONS).map((route) => route.replace(":id", "a"));
    for (const route of [...routes, "GET /nowhere", "POST /health/", "GET //health"]) {
      const { status, text } = await asked(at.port(0), route);
      const isOpen = route === "GET /health" || route === "GET /ready";
      expect([route, status]).toEqual([route, isOpen ? 200 : 401]);
      if (isOpen) continue;
      expect(text).toContain('www-authenticate: Basic realm="tarpan", charset="UTF-8"\r\n');
      expect(text).not.toContain("api/v1");
    }
    expect(at.listener.stats.connectionsFailed.authentication).toBe(0);
  });

  test.each([
    ["a wrong password", basicAuth("admin", "admin-secre")],
    ["an unknown user", basicAuth("nobody", "admin-secret")],
    ["no password", basicAuth("admin", "")],
    ["no user", basicAuth("", "admin-secret")],
    ["PLAIN's separator in the name", basicAuth("admin\0admin", "admin-secret")],
    ["no colon", { authorization: "Basic YWRtaW4=" }],
    ["no base64", { authorization: "Basic $$$" }],
    ["no credentials", { authorization: "Basic" }],
    ["another scheme", { authorization: "Digest YWRtaW46YWRtaW4tc2VjcmV0" }],
    ["a token", { authorization: "Bearer YWRtaW46YWRtaW4tc2VjcmV0" }],
    ["nothing", { authorization: "" }],
  ])("%s is refused, and counted", async (_what, headers) => {
    await using at = await start();
    for (const path of ["/metrics", "/health"]) {
      const { status, text } = await asked(at.port(0), `GET ${path}`, {
        ...headers,
        connection: "keep-alive",
      });
      expect([path, status]).toEqual([path, 401]);
      expect(text).toContain('"error": "the log-in failed"');
    }
    expect(at.listener.stats.connectionsFailed.authentication).toBe(2);
    const log = at.log.join("\n");
    expect(log).toMatch(/warn closed a connection of 127\.0\.0\.1: HTTP/);
    expect(log).not.toContain("secre");
  });

  test("a connection that sends many requests at once guesses once", async () => {
    await using at = await start();
    const one = (password: string) => {
      const { authorization } = basicAuth("admin", password);
      return `GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`;
    };
    const guesses = [...Array(5).keys()].map((guess) => one(`guess ${guess}`)).join("");
    const { text } = await sendRaw(at.port(0), `${guesses}${one("admin-secret")}`);
    expect(text.match(/HTTP\/1\.1 401/g)).toHaveLength(1);
    expect(text).not.toContain(" 200 ");
    expect(at.listener.stats.connectionsFailed.authentication).toBe(1);
  });

  test("a user of the config or of the metadata may read and change", async () => {
    await using at = await start();
    using open = KafkaSocket.plain(at.port(1));
    await createUser(open, "SCRAM-SHA-256", "carol", "c");
    for (const user of [ADMIN, basicAuth("alice", "ä:b"), basicAuth("carol", "c")]) {
      expect((await asked(at.port(0), "GET /cluster/status", user)).status).toBe(200);
      expect((await asked(at.port(0), "DELETE /api/v1/groups/g", user)).status).toBe(404);
    }
    // A user who is deleted is refused at the next request.
    const deletions = [{ name: "carol", mechanism: MECHANISM["SCRAM-SHA-256"] }];
    await open.send(AlterUserScramCredentials, 0, { deletions, upsertions: [] });
    expect((await asked(at.port(0), "GET /metrics", basicAuth("carol", "c"))).status).toBe(401);
    // Where nobody can log in, a header says nothing.
    expect((await asked(at.port(1), "GET /cluster/status", ADMIN)).status).toBe(200);
  });

  test("passwords need TLS where only SCRAM is enabled", async () => {
    const ca = new TestAuthority();
    await using at = await startOnRealPorts({
      ...{ ...sslConfigs(ca.broker()), ...SCRAM_ONLY },
      listeners: "CLEAR://127.0.0.1:0,SECRET://127.0.0.1:0,OPEN://127.0.0.1:0",
      "listener.security.protocol.map": "CLEAR:SASL_PLAINTEXT,SECRET:SASL_SSL,OPEN:PLAINTEXT",
    });
    using open = KafkaSocket.plain(at.port(2));
    await createUser(open, "SCRAM-SHA-512", "carol", "c");
    const carol = basicAuth("carol", "c");
    const { status, text } = await asked(at.port(0), "GET /metrics", carol);
    expect([status, text.includes("www-authenticate")]).toEqual([403, false]);
    const tls = { ca: ca.certificate };
    const safe = await asked(at.port(1), "GET /metrics", carol, tls);
    expect(safe.status).toBe(200);
    expect(safe.text).toContain("strict-transport-security: max-age=31536000\r\n");
    expect((await asked(at.port(1), "GET /metrics", {}, tls)).status).toBe(401);
  });

  test("ACLs decide what a user may do, and who may not describe is told no reasons", async () => {
    await using at = await start(ACLS_ON);
    const alice = basicAuth("alice", "ä:b");
    expect((await asked(at.port(0), "GET /cluster/status", ADMIN)).status).toBe(200);
    const refused = await asked(at.port(0), "GET /cluster/status", alice);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain("this takes the permission describe on the cluster");
    expect((await asked(at.port(0), "GET /api/v1/groups", alice)).text).toContain('"groups": []');
    // Over the other listener the same ACLs hold for ANONYMOUS.
    expect((await asked(at.port(1), "GET /cluster/status")).status).toBe(403);
    expect((await asked(at.port(1), "DELETE /api/v1/groups/g")).status).toBe(403);
  });
});

test("a token says who the client is, where OAUTHBEARER is enabled", async () => {
  const audit = new Lines();
  const at = await startOnRealPorts(
    {
      ...ACLS_ON,
      listeners: "USERS://127.0.0.1:0",
      "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
      "sasl.enabled.mechanisms": "OAUTHBEARER",
      "connection.failed.authentication.delay.ms": "1",
    },
    { audit },
  );
  const expiry = Math.floor(Date.now() / 1_000) + 3_600;
  const asks = (token: string) =>
    asked(at.port(0), "GET /metrics", { authorization: `Bearer ${token}` });
  expect((await asks(unsecuredToken({ sub: "admin", exp: expiry }))).status).toBe(200);
  expect((await asks(unsecuredToken({ sub: "bob", exp: expiry }))).status).toBe(403);
  for (const token of [unsecuredToken({ sub: "admin", exp: 1 }), "x", "a.b.c", "a b"]) {
    const { status, text } = await asks(token);
    expect([token, status]).toEqual([token, 401]);
    expect(text).toContain('www-authenticate: Bearer realm="tarpan"\r\n');
  }
  expect((await asked(at.port(0), "GET /metrics", ADMIN)).status).toBe(401);
  await at.broker.stop();
  expect(audit.short.slice(0, 3)).toEqual([
    "authentication success User:admin HTTP Bearer",
    "authentication success User:bob HTTP Bearer",
    "refusal denied User:bob describe cluster",
  ]);
});

test("a certificate says who the client is, by the mapping rules", async () => {
  const ca = new TestAuthority();
  await using at = await startOnRealPorts({
    ...{ ...sslConfigs(ca.broker()), ...ACLS_ON },
    listeners: "SSL://127.0.0.1:0",
    "ssl.client.auth": "requested",
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": ca.certificate,
    "ssl.principal.mapping.rules": "RULE:^CN=([^,]*).*$/$1/",
  });
  const of = (name: string) => {
    const { certificate, key } = ca.issue(name);
    return { ca: ca.certificate, cert: certificate, key };
  };
  const admin = await asked(at.port(0), "GET /metrics", {}, of("admin"));
  expect(admin.status).toBe(200);
  const bob = await asked(at.port(0), "GET /metrics", basicAuth("admin", "x"), of("bob"));
  expect(bob.status).toBe(403);
  expect((await asked(at.port(0), "GET /metrics", {}, { ca: ca.certificate })).status).toBe(403);
  expect((await asked(at.port(0), "GET /health", {}, { ca: ca.certificate })).status).toBe(200);
});
