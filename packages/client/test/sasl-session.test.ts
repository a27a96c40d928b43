// Log-ins by tokens, and log-ins anew. Time is the clock of the client and of the broker.
import { ApiVersions, Metadata, Produce } from "@tarpan/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KafkaSocket } from "../../broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../broker/test/sasl/sasl-client.ts";
import { unsecuredToken } from "../../broker/test/sasl/token-issuer.ts";
import { SaslSession } from "../src/connection/sasl-session.ts";
import { Client, Connection, Producer, type SaslOptions } from "../src/index.ts";

const SESSION_MS = 60_000;
const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };
const bob = { username: "bob", password: "b-secret" };

/** The clock that `vi` moves, for the broker too. */
const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

async function start() {
  const configs = {
    listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT,OPEN:PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,OAUTHBEARER",
    "connections.max.reauth.ms": String(SESSION_MS),
    "connection.failed.authentication.delay.ms": "1",
  };
  const at = await startOnRealPorts(configs, { clock });
  using open = KafkaSocket.plain(at.port(1));
  await createUser(open, "SCRAM-SHA-256", bob.username, bob.password);
  return at;
}

/** A provider that a test can tell what to do; `asked` counts. */
class Provider {
  asked = 0;
  next: () => Promise<string> = async () => tokenOf("alice");

  readonly sasl: SaslOptions = {
    mechanism: "OAUTHBEARER",
    oauthBearerProvider: async () => {
      this.asked++;
      return { value: await this.next() };
    },
  };
}

const tokenOf = (sub: string) =>
  unsecuredToken({ sub, exp: Math.floor(Date.now() / 1_000) + 36_000 });

const opened = (port: number, sasl: SaslOptions, timeoutMs = 10_000) =>
  Connection.open({ host: "127.0.0.1", port, clientId: "test", timeoutMs, sasl });

const isServed = async (connection: Connection) =>
  (await connection.request(Metadata, ALL_TOPICS)).errorCode === 0;

const pass = (ms: number) => vi.advanceTimersByTime(ms);

describe("a session", () => {
  test("is renewed when 85 to 95 % are over", () => {
    for (let i = 0; i < 100; i++) {
      const session = new SaslSession(100_000, 5);
      expect([session.isDue(85_004), session.isDue(95_005)]).toEqual([false, true]);
      expect([session.isOver(100_004), session.isOver(100_005)]).toEqual([false, true]);
    }
  });

  test("is not renewed within a second, which brokers refuse", () => {
    const session = new SaslSession(500, 0);
    expect([session.isDue(999), session.isDue(1_000)]).toEqual([false, true]);
  });

  test("tells how long a broker takes no new log-in", () => {
    const session = new SaslSession(500, 0);
    expect([session.dueInMs(600), session.dueInMs(1_000), session.dueInMs(2_000)]).toEqual([
      400, 0, 0,
    ]);
  });

  test("may have no end", () => {
    const session = new SaslSession(0, 0);
    expect([session.ends, session.isDue(1e15), session.isOver(1e15)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("a connection", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  test.each<[string, () => SaslOptions]>([
    ["PLAIN", () => ({ mechanism: "PLAIN", ...bob })],
    ["SCRAM-SHA-256", () => ({ mechanism: "SCRAM-SHA-256", ...bob })],
    ["OAUTHBEARER", () => new Provider().sasl],
  ])("logs in anew by %s, and goes on", async (_name, sasl) => {
    await using at = await start();
    const connection = await opened(at.port(0), sasl());
    for (let session = 0; session < 3; session++) {
      pass(0.96 * SESSION_MS);
      const all = await Promise.all(Array.from({ length: 20 }, () => isServed(connection)));
      expect(all).toEqual(Array(20).fill(true));
      // Past the end of the session before.
      pass(0.1 * SESSION_MS);
      expect(await isServed(connection)).toBe(true);
    }
    connection.close();
    expect(at.listener.stats.connectionsFailed).toMatchObject({
      ...{ authentication: 0, "session-expired": 0 },
    });
  });

  test("asks for one token for each session, and only when it is time", async () => {
    await using at = await start();
    const provider = new Provider();
    const connection = await opened(at.port(0), provider.sasl);
    pass(0.84 * SESSION_MS);
    expect([await isServed(connection), provider.asked]).toEqual([true, 1]);
    pass(0.12 * SESSION_MS);
    await Promise.all([isServed(connection), isServed(connection)]);
    // Held until the log-in is done.
    expect([await isServed(connection), provider.asked]).toEqual([true, 2]);
    // Long unused: the request waits for the log-in.
    pass(10 * SESSION_MS);
    expect([await isServed(connection), provider.asked]).toEqual([true, 3]);
    connection.close();
  });

  test("serves requests while it asks for a token, and holds them after the session", async () => {
    await using at = await start();
    const provider = new Provider();
    const connection = await opened(at.port(0), provider.sasl);
    let give: (token: string) => void = () => {};
    provider.next = () => new Promise((resolve) => (give = resolve));
    pass(0.96 * SESSION_MS);
    expect([await isServed(connection), provider.asked]).toEqual([true, 2]);
    pass(0.05 * SESSION_MS);
    const held = [isServed(connection), connection.send(Produce, noRecords), isServed(connection)];
    give(tokenOf("alice"));
    expect(await Promise.all(held)).toEqual([true, undefined, true]);
    connection.close();
  });

  test("without a token goes on to the end of its session, and then says why", async () => {
    await using at = await start();
    const provider = new Provider();
    const connection = await opened(at.port(0), provider.sasl);
    provider.next = () => Promise.reject(new Error("the issuer is down"));
    pass(0.96 * SESSION_MS);
    expect(await isServed(connection)).toBe(true);
    expect(await isServed(connection)).toBe(true);
    await expect.poll(() => provider.asked).toBe(2);
    pass(1_000);
    expect(await isServed(connection)).toBe(true);
    expect(provider.asked).toBe(3);
    pass(0.05 * SESSION_MS);
    await expect(isServed(connection)).rejects.toThrow(
      expect.objectContaining({
        ...{ code: "TARPAN_SASL", retriable: true },
        message: "oauthBearerProvider gave no token: the issuer is down",
      }),
    );
    expect(connection.isOpen).toBe(false);
    await expect(connection.send(Produce, noRecords)).rejects.toThrow("the issuer is down");
  });

  test("whose session was shorter than brokers take log-ins anew waits for that", async () => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    await using at = await start();
    const provider = new Provider();
    const expired = unsecuredToken({ sub: "alice", exp: Date.now() / 1_000 + 0.5 });
    provider.next = async () => expired;
    const connection = await opened(at.port(0), provider.sasl);
    provider.next = async () => tokenOf("alice");
    pass(600);
    const held = [isServed(connection), connection.send(Produce, noRecords), isServed(connection)];
    pass(400);
    expect(await Promise.all(held)).toEqual([true, undefined, true]);
    expect([provider.asked, at.listener.stats.connectionsFailed["session-expired"]]).toEqual([
      2, 0,
    ]);
    connection.close();
  });

  test("can be closed while it asks for a token", async () => {
    await using at = await start();
    const provider = new Provider();
    const connection = await opened(at.port(0), provider.sasl);
    let give: (token: string) => void = () => {};
    provider.next = () => new Promise((resolve) => (give = resolve));
    pass(2 * SESSION_MS);
    const held = [isServed(connection), connection.send(Produce, noRecords)];
    connection.close();
    for (const { status } of await Promise.allSettled(held)) expect(status).toBe("rejected");
    give(tokenOf("alice"));
    await expect(isServed(connection)).rejects.toThrow("was closed");
  });

  test("that becomes another user's is closed, with all that was held", async () => {
    await using at = await start();
    const provider = new Provider();
    const connection = await opened(at.port(0), provider.sasl);
    provider.next = async () => tokenOf("mallory");
    pass(2 * SESSION_MS);
    const held = [isServed(connection), connection.send(Produce, noRecords)];
    const [served, sent] = await Promise.allSettled(held);
    expect(served).toMatchObject({
      reason: { message: expect.stringMatching(/User:alice can't become that of another user/) },
    });
    expect(sent).toMatchObject({ status: "rejected" });
  });

  test("of a client is replaced when it could not log in anew", async () => {
    await using at = await start();
    const provider = new Provider();
    await using client = new Client({ bootstrap: `127.0.0.1:${at.port(0)}`, sasl: provider.sasl });
    await client.allTopics();
    let failures = 0;
    provider.next = async () => {
      if (failures++ < 2) throw new Error("the issuer is down");
      return tokenOf("alice");
    };
    pass(2 * SESSION_MS);
    expect(await client.allTopics()).toEqual([]);
    expect(provider.asked).toBe(4);
  });

  test("keeps the order of a producer's batches", async () => {
    await using at = await start();
    await using client = new Client({
      ...{ bootstrap: `127.0.0.1:${at.port(0)}`, sasl: new Provider().sasl },
    });
    const producer = new Producer(client);
    const sent: Promise<{ offset: number | null }>[] = [];
    for (let i = 0; i < 200; i++) {
      if (i % 20 === 0) pass(0.5 * SESSION_MS);
      sent.push(producer.send({ topic: "t", partition: 0, value: `${i}` }) as never);
      if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const offsets = (await Promise.all(sent)).map(({ offset }) => offset);
    expect(offsets).toEqual(Array.from({ length: 200 }, (_, i) => i));
    await producer.close();
    expect(at.listener.stats.connectionsFailed["session-expired"]).toBe(0);
  });
});

const noRecords = { transactionalId: null, acks: 0, timeoutMs: 1, topicData: [] };

describe("a log-in by a token", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["fails", () => Promise.reject(new Error("no network")), /gave no token: no network/],
    ["gives nothing", () => undefined, /must be a token as in RFC 6750/],
    ["gives null", () => Promise.resolve(null), /must be a token as in RFC 6750/],
    ["gives an empty one", async () => ({ value: "" }), /must be a token/],
    ["gives two in one", async () => ({ value: "a.b.c\x01auth=Bearer d" }), /must be a token/],
    [
      "gives an extension that is a token",
      async () => ({ value: "a.b.c", extensions: { auth: "x" } }),
      /its extension auth is not one/,
    ],
    [
      "gives an extension with a control character",
      async () => ({ value: "a.b.c", extensions: { a: "x\x01auth=y" } }),
      /its extension a is not one/,
    ],
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
      /gave no token: a bug/,
    ],
    ["never answers", () => new Promise(() => {}), /it took longer than 200 ms/],
  ])("whose provider %s is refused, and shows no token", async (_what, provider, why) => {
    await using at = await start();
    const sasl = { mechanism: "OAUTHBEARER", oauthBearerProvider: provider } as SaslOptions;
    const failure = await opened(at.port(0), sasl, 200).catch((error: unknown) => error);
    expect(String(failure)).toMatch(why);
    expect(String(failure)).not.toContain("a.b");
  });

  test("that the broker refuses says why", async () => {
    await using at = await start();
    const value = unsecuredToken({ sub: "alice", exp: 1 });
    const sasl: SaslOptions = {
      mechanism: "OAUTHBEARER",
      oauthBearerProvider: async () => ({ value }),
    };
    await expect(opened(at.port(0), sasl)).rejects.toThrow(
      expect.objectContaining({
        code: "TARPAN_KAFKA_SASL_AUTHENTICATION_FAILED",
        message: expect.stringMatching(/refused OAUTHBEARER: \{"status":"invalid_token"\}/),
      }),
    );
  });

  test("may have extensions", async () => {
    await using at = await start();
    const extensions = { traceId: "7 8", logicalCluster: "lkc-1" };
    const oauthBearerProvider = async () => ({ value: tokenOf("alice"), extensions });
    const connection = await opened(at.port(0), { mechanism: "OAUTHBEARER", oauthBearerProvider });
    expect((await connection.request(ApiVersions, VERSIONS)).errorCode).toBe(0);
    connection.close();
  });

  test("needs a provider, and a known mechanism", () => {
    const make = (sasl: object) => () => new Client({ bootstrap: "localhost:1", sasl } as never);
    expect(make({ mechanism: "OAUTHBEARER" })).toThrow("oauthBearerProvider must be a function");
    expect(make({ mechanism: "GSSAPI" })).toThrow("mechanism must be one of PLAIN");
    expect(make({ mechanism: "PLAIN" })).toThrow("username must be");
  });
});

const VERSIONS = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
