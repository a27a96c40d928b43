import { ErrorCode, Metadata, SaslAuthenticate } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { asked } from "../http/raw-http.ts";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { handshake } from "./sasl-client.ts";
import { AUDIENCE, ISSUER, JwksServer, TokenIssuer, unsecuredToken } from "./token-issuer.ts";

const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };
const LISTENERS = {
  listeners: "USERS://127.0.0.1:0",
  "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
  "sasl.enabled.mechanisms": "OAUTHBEARER",
  "connection.failed.authentication.delay.ms": "1",
};
const FOR_USERS = "listener.name.users.oauthbearer.";
const JWKS_URL = "sasl.oauthbearer.jwks.endpoint.url";
const SIGNED = {
  "sasl.oauthbearer.expected.audience": AUDIENCE,
  "sasl.oauthbearer.expected.issuer": ISSUER,
};
const ISSUER_KEY = new TokenIssuer("key");

const start = (more: Record<string, string> = {}) => startOnRealPorts({ ...LISTENERS, ...more });

type Started = Awaited<ReturnType<typeof start>>;

const nowSeconds = () => Math.floor(Date.now() / 1_000);
const unsecured = (sub: string, lifetimeSeconds = 3_600) =>
  unsecuredToken({ sub, exp: nowSeconds() + lifetimeSeconds });
const message = (token: string, header = "n,,", more = "") =>
  Buffer.from(`${header}\x01auth=Bearer ${token}\x01${more}\x01`);

async function authenticate(client: KafkaSocket, authBytes: Uint8Array) {
  await handshake(client, "OAUTHBEARER");
  return client.send(SaslAuthenticate, 2, { authBytes });
}

async function isServed(client: KafkaSocket): Promise<boolean> {
  return (await client.send(Metadata, 12, ALL_TOPICS)).errorCode === ErrorCode.NONE;
}

const failedOf = ({ listener }: Started) => listener.stats.connectionsFailed.authentication;

test("tokens without a signature let in everybody, which is warned of", async () => {
  await using at = await start();
  using client = KafkaSocket.plain(at.port(0));
  const answer = await authenticate(client, message(unsecured("alice")));
  expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, authBytes: Buffer.alloc(0) });
  expect(answer.sessionLifetimeMs).toBeGreaterThan(3_590_000);
  expect(answer.sessionLifetimeMs).toBeLessThanOrEqual(3_600_000);
  expect(await isServed(client)).toBe(true);
  const warnings = at.log.filter((line) => line.startsWith("warn"));
  expect(warnings.join("\n")).toMatch(/takes tokens without a signature, so everybody can be/);
  expect(warnings.join("\n")).toMatch(/has OAUTHBEARER without TLS: everybody on the network/);
});

test("tokens are checked by the keys of the issuer", async () => {
  await using jwks = await JwksServer.start(ISSUER_KEY);
  const handler =
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
  await using at = await start({
    ...SIGNED,
    [`${FOR_USERS}${JWKS_URL}`]: jwks.url,
    [`${FOR_USERS}sasl.server.callback.handler.class`]: handler,
    [`${FOR_USERS}sasl.jaas.config`]: "OAuthBearerLoginModule required ;",
  });
  using client = KafkaSocket.plain(at.port(0));
  const more = "host=broker\x01traceId=7 8\x01";
  const answer = await authenticate(client, message(ISSUER_KEY.token({}), "n,a=alice,", more));
  expect(answer.errorCode).toBe(ErrorCode.NONE);
  expect(await isServed(client)).toBe(true);
  using other = KafkaSocket.plain(at.port(0));
  const strange = new TokenIssuer("key").token({});
  const refusal = await authenticate(other, message(strange));
  expect(Buffer.from(refusal.authBytes).toString()).toBe('{"status":"invalid_token"}');
  expect(at.log.join("\n")).not.toContain(strange.slice(0, 20));
});

describe("a refused token", () => {
  const EXPIRED = unsecured("alice", -1);
  const TOLD = '{"status":"invalid_token"}';

  test("is told of, and then the exchange fails", async () => {
    await using at = await start();
    using client = KafkaSocket.plain(at.port(0));
    const answer = await authenticate(client, message(EXPIRED));
    expect([answer.errorCode, Buffer.from(answer.authBytes).toString()]).toEqual([0, TOLD]);
    const end = await client.send(SaslAuthenticate, 2, { authBytes: Uint8Array.of(1) });
    expect(end).toMatchObject({
      ...{ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: TOLD },
    });
    await client.closed();
    expect(failedOf(at)).toBe(1);
    expect(at.log.at(-1)).toMatch(/SASL OAUTHBEARER: its token is refused: it has expired/);
    expect(at.log.join("\n")).not.toContain(EXPIRED.slice(0, 20));
  });

  test("can't be followed by a good one", async () => {
    await using at = await start();
    using client = KafkaSocket.plain(at.port(0));
    await authenticate(client, message(EXPIRED));
    const authBytes = message(unsecured("alice"));
    const end = await client.send(SaslAuthenticate, 2, { authBytes });
    expect(end.errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
    await client.closed();
  });

  test("is logged and counted if the client goes on, or goes away", async () => {
    await using at = await start();
    using going = KafkaSocket.plain(at.port(0));
    await authenticate(going, message(EXPIRED));
    await expect(going.send(Metadata, 12, ALL_TOPICS)).rejects.toThrow();
    expect(failedOf(at)).toBe(1);
    expect(at.log.at(-1)).toMatch(/its token is refused: it has expired/);
    using leaving = KafkaSocket.plain(at.port(0));
    await authenticate(leaving, message(EXPIRED));
    leaving.socket.end();
    await leaving.closed();
    await expect.poll(() => failedOf(at)).toBe(2);
  });

  test("after a handshake of version 0 ends the connection", async () => {
    await using at = await start();
    using client = KafkaSocket.plain(at.port(0));
    await handshake(client, "OAUTHBEARER", 0);
    client.write(message(EXPIRED));
    expect(Buffer.from(await client.frame()).toString()).toBe(TOLD);
    client.write(Uint8Array.of(1));
    await client.closed();
    expect(failedOf(at)).toBe(1);
  });

  test("names the scope that it lacks", async () => {
    const jaas = 'OAuthBearerLoginModule required unsecuredValidatorRequiredScope="read write";';
    await using at = await start({ [`${FOR_USERS}sasl.jaas.config`]: jaas });
    using client = KafkaSocket.plain(at.port(0));
    const answer = await authenticate(client, message(unsecured("alice")));
    expect(JSON.parse(Buffer.from(answer.authBytes).toString())).toEqual({
      ...{ status: "insufficient_scope", scope: "read write" },
    });
  });
});

test.each([
  ["an empty message", Buffer.alloc(0)],
  ["one byte of an end that has not come", Uint8Array.of(1)],
  ["PLAIN", Buffer.from("\0alice\0secret")],
  ["channel binding", message("a.b.c", "p=tls-unique,,")],
  ["no token", Buffer.from("n,,\x01host=a\x01\x01")],
  ["no end", Buffer.from("n,,\x01auth=Bearer a.b.c\x01")],
  ["two tokens", message("a.b.c", "n,,", "auth=Bearer d.e.f\x01")],
  ["basic", Buffer.from("n,,\x01auth=Basic YTpi\x01\x01")],
  ["a line break in the token", message("a.b\n.c")],
  ["an empty key", message("a.b.c", "n,,", "=x\x01")],
  ["a token of 400,000 dots", message(".".repeat(400_000), "n,,", "\x01")],
])("%s is refused", async (_what, authBytes) => {
  await using at = await start();
  using client = KafkaSocket.plain(at.port(0));
  expect(await authenticate(client, authBytes)).toMatchObject({
    errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
    errorMessage: expect.stringMatching(/RFC 7628/),
  });
  await client.closed();
});

test("nobody may act for another user", async () => {
  await using at = await start();
  using client = KafkaSocket.plain(at.port(0));
  const answer = await authenticate(client, message(unsecured("alice"), "n,a=admin,"));
  expect(answer.errorMessage).toMatch(/the authorization id is another user's/);
});

describe("a session", () => {
  test("ends with its token, or earlier", async () => {
    await using at = await start({ "connections.max.reauth.ms": "60000" });
    using short = KafkaSocket.plain(at.port(0));
    const answer = await authenticate(short, message(unsecured("alice", 30)));
    expect(answer.sessionLifetimeMs).toBeLessThanOrEqual(30_000);
    using long = KafkaSocket.plain(at.port(0));
    expect(await authenticate(long, message(unsecured("alice")))).toMatchObject({
      sessionLifetimeMs: 60_000,
    });
  });

  test("of a token that expired within the clocks' difference is over at once", async () => {
    const jaas = 'OAuthBearerLoginModule required unsecuredValidatorAllowableClockSkewMs="60000";';
    await using at = await start({ [`${FOR_USERS}sasl.jaas.config`]: jaas });
    using client = KafkaSocket.plain(at.port(0));
    const answer = await authenticate(client, message(unsecured("alice", -10)));
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, sessionLifetimeMs: 1 });
    await expect(isServed(client)).rejects.toThrow();
    expect(at.listener.stats.connectionsFailed["session-expired"]).toBe(1);
  });

  test("of a token that never expires has a length that a client can read", async () => {
    await using at = await start();
    using client = KafkaSocket.plain(at.port(0));
    const answer = await authenticate(client, message(unsecured("alice", 1e300)));
    expect(answer.sessionLifetimeMs).toBe(Number.MAX_SAFE_INTEGER);
    expect(await isServed(client)).toBe(true);
  });
});

const bearer = (issuer: TokenIssuer) => ({ authorization: `Bearer ${issuer.token({})}` });

test("an issuer that is down at the start closes connections, for which clients try again", async () => {
  const server = await JwksServer.start(ISSUER_KEY);
  const { url } = server;
  await server[Symbol.asyncDispose]();
  await using at = await start({
    ...{ ...SIGNED, [JWKS_URL]: url },
    listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT,OPEN:PLAINTEXT",
  });
  using client = KafkaSocket.plain(at.port(0));
  await expect(authenticate(client, message(ISSUER_KEY.token({})))).rejects.toThrow("closed");
  const ready = await fetch(`http://127.0.0.1:${at.port(1)}/ready`);
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringMatching(/keys of tokens can't be fetched from .*ECONNREFUSED; nobody can log in/),
  ]);
  const metrics = await (await fetch(`http://127.0.0.1:${at.port(1)}/metrics`)).text();
  expect(metrics).toMatch(/tarpan_jwks_refresh_failures_total\{listener="USERS"\} [1-9]/);
  expect(metrics).toContain('tarpan_jwks_keys{listener="USERS"} 0\n');
  const before = failedOf(at);
  const { status, text } = await asked(at.port(0), "GET /metrics", bearer(ISSUER_KEY));
  expect([status, text.includes("retry-after: 1")]).toEqual([503, true]);
  expect(text).toMatch(/the token can't be checked now: the broker's log and \/ready say why/);
  expect(text).not.toContain(new URL(url).port);
  // A probe that shows a token is answered, and nobody has failed.
  expect((await asked(at.port(0), "GET /health", bearer(ISSUER_KEY))).status).toBe(200);
  expect(failedOf(at)).toBe(before);
});

const JAAS = `${FOR_USERS}sasl.jaas.config`;
const HANDLER = `${FOR_USERS}sasl.server.callback.handler.class`;
const CLASSES = "org.apache.kafka.common.security.oauthbearer";
const URLS = { [JWKS_URL]: "https://issuer.example.com/keys" };

test.each<[Record<string, string>, string]>([
  [
    { ...URLS, "sasl.oauthbearer.expected.issuer": "i" },
    "needs sasl.oauthbearer.expected.audience",
  ],
  [
    { ...URLS, "sasl.oauthbearer.expected.audience": "a" },
    "needs sasl.oauthbearer.expected.issuer",
  ],
  [{ ...SIGNED, [JWKS_URL]: "ftp://a/b" }, "must be a URL with http:, https: or file:"],
  [{ ...SIGNED, [JWKS_URL]: "https://me:secret@a/b" }, "must not contain a user or a password"],
  [{ [HANDLER]: "com.example.Own" }, "are known, not com.example.Own"],
  [{ [HANDLER]: `${CLASSES}.OAuthBearerValidatorCallbackHandler` }, `set ${JWKS_URL}`],
  [
    { "listener.name.users.plain.sasl.server.callback.handler.class": "com.example.Own" },
    "only listener.name.NAME.oauthbearer.",
  ],
  [
    { ...URLS, ...SIGNED, "sasl.oauthbearer.jwt.validator.class": "com.example.Own" },
    "sasl.oauthbearer.jwt.validator.class: only",
  ],
  [{ [JAAS]: 'M required ssl.truststore.location="x";' }, "NODE_EXTRA_CA_CERTS"],
  [{ [JAAS]: 'M required unsecuredValidatorAllowableClockSkewMs="-1";' }, "must be at least 0"],
  [{ ...URLS, "sasl.enabled.mechanisms": "PLAIN" }, "does not list OAUTHBEARER"],
])("%j is refused", async (configs, why) => {
  await expect(start(configs)).rejects.toThrow(why);
});

test("how Kafka's brokers log in to each other has no effect, which is warned of", async () => {
  const secret = "sasl.oauthbearer.client.credentials.client.secret";
  await using at = await start({ [`${FOR_USERS}${secret}`]: "s3cret" });
  const warning = /warn no effect: .*client\.secret: brokers reach each other in Tarpan's own way/;
  expect(at.log.join("\n")).toMatch(warning);
  expect(at.log.join("\n")).not.toContain("s3cret");
});

test("every audience and issuer is taken if that is allowed, which is warned of", async () => {
  await using jwks = await JwksServer.start(ISSUER_KEY);
  await using at = await start({
    [JWKS_URL]: jwks.url,
    "sasl.oauthbearer.allow.unverified.audience": "true",
    "sasl.oauthbearer.allow.unverified.issuer": "true",
  });
  using client = KafkaSocket.plain(at.port(0));
  const token = ISSUER_KEY.token({ aud: "x", iss: undefined });
  expect(await authenticate(client, message(token))).toMatchObject({ errorCode: ErrorCode.NONE });
  const log = at.log.join("\n");
  expect(log).toMatch(/warn listener USERS takes tokens that were issued for other services/);
  expect(log).toMatch(/warn listener USERS takes tokens of every issuer/);
  expect(log).toMatch(/warn listener USERS fetches the keys of tokens without TLS/);
});
