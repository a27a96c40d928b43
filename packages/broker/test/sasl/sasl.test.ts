import {
  ApiVersions,
  ErrorCode,
  encodeRequest,
  Metadata,
  SaslAuthenticate,
} from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { sslConfigs, TestAuthority } from "../tls/certificates.ts";
import {
  authenticatePlain,
  authenticateScram,
  createUser,
  handshake,
  plainToken,
} from "./sasl-client.ts";

const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };
const VERSIONS = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
const JAAS =
  "org.apache.kafka.common.security.plain.PlainLoginModule required " +
  'username="admin" password="admin-secret" user_admin="admin-secret" user_alice="a,\\"b;c";';
const PLAIN = { "listener.name.users.plain.sasl.jaas.config": JAAS };
const LISTENERS = {
  listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
  "listener.security.protocol.map": "USERS:SASL_PLAINTEXT,OPEN:PLAINTEXT",
  "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
  "connection.failed.authentication.delay.ms": "1",
};

const start = (more: Record<string, string> = {}) => startOnRealPorts({ ...LISTENERS, ...more });

type Started = Awaited<ReturnType<typeof start>>;

const connected = (at: Started) => KafkaSocket.plain(at.port(0));

async function isServed(client: KafkaSocket): Promise<boolean> {
  return (await client.send(Metadata, 12, ALL_TOPICS)).errorCode === ErrorCode.NONE;
}

describe("PLAIN", () => {
  test("lets in users of the JAAS config, and nobody else", async () => {
    await using at = await start(PLAIN);
    using alice = connected(at);
    await alice.send(ApiVersions, 3, VERSIONS);
    const shaken = await handshake(alice, "PLAIN");
    expect(shaken.mechanisms).toEqual(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]);
    const token = { authBytes: plainToken("alice", 'a,"b;c') };
    expect(await alice.send(SaslAuthenticate, 1, token)).toMatchObject({
      ...{ errorCode: ErrorCode.NONE, sessionLifetimeMs: 0 },
    });
    expect(await isServed(alice)).toBe(true);
    for (const [user, password] of [
      ["alice", "wrong"],
      ["bob", "wrong"],
      ["alice", "a"],
    ] as const) {
      using client = connected(at);
      expect(await authenticatePlain(client, user, password)).toMatchObject({
        errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
        errorMessage: "wrong user name or password",
      });
      await client.closed();
    }
    expect(at.listener.stats.connectionsFailed.authentication).toBe(3);
    expect(at.log.join("\n")).not.toContain("secret");
    expect(at.log.join("\n")).toContain("warn listener USERS has SASL PLAIN without TLS");
  });

  test.each([
    ["alice", "has 3 parts, this one 1"],
    ["\0\0p", "the user name is empty"],
    ["\0alice\0", "the password is empty"],
    ['bob\0alice\0a,"b;c', "the authorization id is another user's"],
    ["a\0b\0c\0d\0e", "has 3 parts, this one 4"],
  ])("%j is refused with the reason", async (token, message) => {
    await using at = await start(PLAIN);
    using client = connected(at);
    await handshake(client, "PLAIN");
    const answer = await client.send(SaslAuthenticate, 2, { authBytes: Buffer.from(token) });
    expect(answer.errorMessage).toContain(message);
    await client.closed();
  });

  test("takes raw tokens after a handshake of version 0", async () => {
    await using at = await start(PLAIN);
    using client = connected(at);
    await handshake(client, "PLAIN", 0);
    client.write(plainToken("admin", "admin-secret"));
    expect(await client.frame()).toHaveLength(0);
    expect(await isServed(client)).toBe(true);
    using other = connected(at);
    await handshake(other, "PLAIN", 0);
    other.write(plainToken("admin", "wrong"));
    await other.closed();
  });

  test("checks the credentials of SCRAM, too, and works over TLS", async () => {
    const ca = new TestAuthority();
    await using at = await start({
      ...sslConfigs(ca.broker()),
      listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
      "listener.security.protocol.map": "USERS:SASL_SSL,OPEN:PLAINTEXT",
    });
    using open = KafkaSocket.plain(at.port(1));
    await createUser(open, "SCRAM-SHA-512", "carol", "c");
    using carol = KafkaSocket.tls(at.port(0), { ca: ca.certificate });
    expect(await authenticatePlain(carol, "carol", "c")).toMatchObject({ errorCode: 0 });
    expect(await isServed(carol)).toBe(true);
    using wrong = KafkaSocket.tls(at.port(0), { ca: ca.certificate });
    expect(await authenticatePlain(wrong, "carol", "d")).toMatchObject({ errorCode: 58 });
  });
});

describe("SCRAM", () => {
  test.each(["SCRAM-SHA-256", "SCRAM-SHA-512"] as const)("%s", async (mechanism) => {
    await using at = await start();
    using open = KafkaSocket.plain(at.port(1));
    await createUser(open, mechanism, "d=a,ve", "péss");
    using dave = connected(at);
    expect(await authenticateScram(dave, mechanism, "d=a,ve", "péss")).toMatchObject({
      errorCode: ErrorCode.NONE,
    });
    expect(await isServed(dave)).toBe(true);
    for (const [user, password] of [
      ["d=a,ve", "pess"],
      ["nobody", "péss"],
    ] as const) {
      using client = connected(at);
      expect(await authenticateScram(client, mechanism, user, password)).toMatchObject({
        errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
        errorMessage: `${mechanism}: wrong user name or password`,
      });
      await client.closed();
    }
  });

  test("does not tell whether a user exists", async () => {
    await using at = await start();
    const first = async (user: string) => {
      using client = connected(at);
      await handshake(client, "SCRAM-SHA-256");
      const authBytes = Buffer.from(`n,,n=${user},r=x`);
      const answer = await client.send(SaslAuthenticate, 2, { authBytes });
      return Buffer.from(answer.authBytes)
        .toString()
        .replace(/^r=[^,]+,/, "");
    };
    const [, salt = ""] = /^s=([^,]+),i=4096$/.exec(await first("nobody")) ?? [];
    // Text, as the salts that Kafka's clients make.
    expect(Buffer.from(salt, "base64").toString("latin1")).toMatch(/^[0-9a-z]{15,26}$/);
    // The same salt each time, as that of a real user, and another one for another name.
    expect(await first("nobody")).toBe(await first("nobody"));
    expect(await first("nobody")).not.toBe(await first("nobody2"));
  });

  test.each([
    ["p=tls-unique,,n=u,r=x", null],
    ["n,,n=,r=x", null],
    ["n,,n=u", null],
    ["n,,n=u,r=x", "c=biws,r=other,p=AAAA"],
    ["n,,n=u,r=x", "c=eSws,r=NONCE,p=AAAA"],
    ["n,,n=u,r=x", "c=biws,r=NONCE"],
    ["n,,n=u,r=x", "c=biws,r=NONCE,p="],
    ["n,,n=u,r=x", `c=biws,r=NONCE,p=${"A".repeat(44)}`],
  ])("%j and then %j are refused", async (first, final) => {
    await using at = await start();
    using client = connected(at);
    await handshake(client, "SCRAM-SHA-256");
    let answer = await client.send(SaslAuthenticate, 2, { authBytes: Buffer.from(first) });
    if (final !== null) {
      const nonce = /^r=([^,]+)/.exec(Buffer.from(answer.authBytes).toString())![1]!;
      const authBytes = Buffer.from(final.replace("NONCE", nonce));
      answer = await client.send(SaslAuthenticate, 2, { authBytes });
    }
    expect(answer.errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
    await client.closed();
  });
});

describe("before the authentication", () => {
  test("any other API closes the connection", async () => {
    await using at = await start(PLAIN);
    using client = connected(at);
    await expect(client.send(Metadata, 12, ALL_TOPICS)).rejects.toThrow();
    using shaken = connected(at);
    await handshake(shaken, "PLAIN");
    await expect(shaken.send(Metadata, 12, ALL_TOPICS)).rejects.toThrow();
    using versions = connected(at);
    await versions.send(ApiVersions, 3, VERSIONS);
    await expect(versions.send(ApiVersions, 3, VERSIONS)).rejects.toThrow();
    using token = connected(at);
    const early = token.send(SaslAuthenticate, 2, { authBytes: plainToken("admin", "x") });
    await expect(early).rejects.toThrow();
  });

  test("a request sent behind a failing authentication is not answered", async () => {
    await using at = await start(PLAIN);
    using client = connected(at);
    await handshake(client, "PLAIN");
    const authBytes = plainToken("admin", "wrong");
    const header = { correlationId: 1, clientId: null };
    const sent = [
      ...encodeRequest(SaslAuthenticate, 2, header, { authBytes }),
      ...encodeRequest(Metadata, 12, header, ALL_TOPICS),
    ];
    client.socket.write(Buffer.concat(sent));
    await client.frame();
    await client.closed();
  });

  test("an unknown mechanism is answered with those that are enabled, then closed", async () => {
    await using at = await start();
    using client = connected(at);
    expect(await handshake(client, "GSSAPI")).toEqual({
      errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
    });
    await client.closed();
  });

  test("a frame above 524,288 bytes closes the connection before it is there", async () => {
    await using at = await start();
    using client = connected(at);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(524_289);
    client.socket.write(length);
    await client.closed();
    expect(at.listener.stats.connectionsFailed["frame-length"]).toBe(1);
  });
});

describe("connections.max.reauth.ms", () => {
  const REAUTH = { ...PLAIN, "connections.max.reauth.ms": "600000" };

  test("tells the client how long its session lasts", async () => {
    await using at = await start(REAUTH);
    using client = connected(at);
    expect(await authenticatePlain(client, "admin", "admin-secret")).toMatchObject({
      sessionLifetimeMs: 600_000,
    });
  });

  test("ends a connection that does not authenticate anew", async () => {
    await using at = await start({ ...PLAIN, "connections.max.reauth.ms": "1" });
    using client = connected(at);
    await authenticatePlain(client, "admin", "admin-secret");
    const asking = async () => {
      while (await isServed(client));
    };
    await expect(asking()).rejects.toThrow();
    expect(at.listener.stats.connectionsFailed["session-expired"]).toBe(1);
  });
});

test.each([
  [{}, "a listener with SASL needs sasl.enabled.mechanisms"],
  [{ "sasl.enabled.mechanisms": "GSSAPI" }, "GSSAPI is not offered"],
  [
    { "sasl.enabled.mechanisms": "PLAIN", "listener.name.users.plain.sasl.jaas.config": "x" },
    "sasl.jaas.config: must begin like",
  ],
])("%j is refused", async (configs, message) => {
  const base = {
    listeners: "USERS://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
  };
  await expect(startOnRealPorts({ ...base, ...configs })).rejects.toThrow(message);
});
