import { describe, expect, test } from "vitest";
import { Broker } from "../../src/runtime/embedded.ts";
import {
  type ConnectionLimits,
  type IpRateOf,
  UNLIMITED,
} from "../../src/server/connection-quotas.ts";
import type { ServerLimits } from "../../src/server/limits.ts";
import { Client, eventually, frame, Kind, serve, untilStill } from "./harness.ts";

/** A listener with limits that the test may change. */
async function limited(
  limits: Partial<ConnectionLimits>,
  server: Partial<ServerLimits> = {},
  ipRateOf?: IpRateOf,
) {
  const now = { ...UNLIMITED, ...limits };
  const served = await serve(server, undefined, () => now, ipRateOf);
  const speaking = (text: string) => {
    const client = served.client();
    client.send(frame(Kind.echo, text));
    return client;
  };
  return { served, speaking, now };
}

describe("max.connections", () => {
  test("further connections wait until others are closed, in the order they came", async () => {
    const { served, speaking } = await limited({ maxConnections: 2 });
    await using _ = served;
    const first = speaking("1");
    const second = speaking("2");
    await first.responsesReach(1);
    await second.responsesReach(1);
    const third = speaking("3");
    await eventually(() => served.listener.stats.connectionsWaiting === 1);
    const fourth = speaking("4");
    await eventually(() => served.listener.stats.connectionsWaiting === 2);
    fourth.send(frame(Kind.echo, "4, later"));
    await untilStill(served);
    expect(third.responses).toEqual([]);
    expect(served.delays).toEqual([
      "2 connections are open, the most that max.connections allows",
      "2 connections are open, the most that max.connections allows",
    ]);
    first.socket.destroy();
    expect(await third.responsesReach(1)).toEqual(["3"]);
    expect(fourth.responses).toEqual([]);
    second.socket.destroy();
    expect(await fourth.responsesReach(2)).toEqual(["4", "4, later"]);
    const { connectionsDelayed, connectionsWaiting } = served.listener.stats;
    expect({ connectionsDelayed, connectionsWaiting }).toEqual({
      connectionsDelayed: 2,
      connectionsWaiting: 0,
    });
  });

  test("a client that gives up waits no more, and HTTP never waits", async () => {
    const { served, speaking } = await limited({ maxConnections: 1 }, { listenBacklog: 1 });
    await using _ = served;
    const first = speaking("1");
    await first.responsesReach(1);
    const second = speaking("2");
    await eventually(() => served.listener.stats.connectionsWaiting === 1);
    const refused = speaking("3");
    await refused.untilClosed();
    expect(served.refused).toMatchObject([
      {
        reason: "too-many-connections",
        remoteAddress: "127.0.0.1",
        error: { message: expect.stringMatching(/^1 connections wait \(socket.listen.backlog/) },
      },
    ]);
    const http = served.client();
    http.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await http.untilClosed();
    expect(served.listener.stats.connectionsRefused["too-many-connections"]).toBe(1);
    second.socket.end();
    await eventually(() => served.listener.stats.connectionsWaiting === 0);
    const fourth = speaking("4");
    await eventually(() => served.listener.stats.connectionsWaiting === 1);
    first.socket.destroy();
    expect(await fourth.responsesReach(1)).toEqual(["4"]);
  });

  test("when it is lowered, the longest idle connections are closed; raised, more come in", async () => {
    const { served, speaking, now } = await limited({ maxConnections: 3 });
    await using _ = served;
    const clients = [];
    for (const text of ["1", "2", "3"]) {
      const client = speaking(text);
      await client.responsesReach(1);
      clients.push(client);
      served.time.advance(1);
    }
    now.maxConnections = 2;
    served.time.advance(5_000);
    await clients[0]!.untilClosed();
    await eventually(() => served.listener.connections === 2);
    served.time.advance(5_000);
    expect(served.listener.stats.connectionsRefused["too-many-connections"]).toBe(1);
    const waiting = speaking("4");
    await eventually(() => served.listener.stats.connectionsWaiting === 1);
    now.maxConnections = 3;
    served.time.advance(5_000);
    expect(await waiting.responsesReach(1)).toEqual(["4"]);
  });
});

test("max.connections.per.ip closes further connections of an address, unless overridden", async () => {
  const { served, speaking, now } = await limited({ maxConnectionsPerIp: 1 });
  await using _ = served;
  const first = speaking("1");
  await first.responsesReach(1);
  await speaking("2").untilClosed();
  expect(served.refused).toMatchObject([
    {
      reason: "too-many-connections-of-ip",
      remoteAddress: "127.0.0.1",
      error: { message: "1 of its connections are open (max.connections.per.ip: 1)" },
    },
  ]);
  now.maxConnectionsPerIpOverrides = new Map([["127.0.0.1", 2]]);
  await speaking("3").responsesReach(1);
  await speaking("4").untilClosed();
  first.socket.destroy();
  await eventually(() => served.listener.connections === 1);
  await speaking("5").responsesReach(1);
  expect(served.listener.stats.connectionsRefused["too-many-connections-of-ip"]).toBe(2);
});

test("max.connections.per.ip counts silent connections from the start, apart from HTTP", async () => {
  const { served, speaking } = await limited({ maxConnectionsPerIp: 2 });
  await using _ = served;
  const first = speaking("1");
  await first.responsesReach(1);
  await speaking("2").responsesReach(1);
  const silent = [served.client(), served.client()];
  await eventually(() => served.listener.connections === 4);
  await served.client().untilClosed();
  expect(served.refused).toMatchObject([
    {
      reason: "too-many-connections-of-ip",
      error: { message: "2 of its connections have sent nothing (max.connections.per.ip: 2)" },
    },
  ]);
  // They are as good as others once they speak: HTTP has no limit, Kafka has.
  silent[0]!.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  await silent[0]!.untilClosed();
  silent[1]!.send(frame(Kind.echo, "3"));
  await silent[1]!.untilClosed();
  first.socket.destroy();
  await eventually(() => served.listener.connections === 1);
  expect(await speaking("4").responsesReach(1)).toEqual(["4"]);
});

test("an address that connects too fast is held, then closed, and does not count", async () => {
  const rates = new Map([["127.0.0.1", 1]]);
  const rateOf = (address: string) => rates.get(address) ?? Number.POSITIVE_INFINITY;
  const { served, speaking } = await limited({ maxConnectionCreationRate: 100 }, {}, rateOf);
  await using _ = served;
  // Ten complete samples of a second allow ten connections at once.
  for (let i = 0; i < 10; i++) await speaking("1").responsesReach(1);
  const held = speaking("11");
  await eventually(() => served.refused.length === 1);
  expect(served.refused).toMatchObject([
    {
      reason: "connection-rate-of-ip",
      remoteAddress: "127.0.0.1",
      error: {
        message: "its connections come faster than connection_creation_rate (1 per second)",
      },
    },
  ]);
  served.time.advance(999);
  await untilStill(served);
  expect(held.closed).toBe(false);
  served.time.advance(1);
  await held.untilClosed();
  expect(held.responses).toEqual([]);
  rates.set("127.0.0.1", 2);
  await speaking("12").responsesReach(1);
  rates.delete("127.0.0.1");
  for (let i = 0; i < 20; i++) await speaking("13").responsesReach(1);
});

test("max.connection.creation.rate lets connections wait for their turn", async () => {
  const { served, speaking } = await limited({ maxConnectionCreationRate: 2 });
  await using _ = served;
  await speaking("1").responsesReach(1);
  await speaking("2").responsesReach(1);
  const third = speaking("3");
  await eventually(() => served.listener.stats.connectionsWaiting === 1);
  const fourth = speaking("4");
  await eventually(() => served.listener.stats.connectionsWaiting === 2);
  expect(served.delays[0]).toBe(
    "connections come faster than max.connection.creation.rate (2 per second)",
  );
  served.time.advance(499);
  expect(served.listener.stats.connectionsWaiting).toBe(2);
  served.time.advance(1);
  expect(await third.responsesReach(1)).toEqual(["3"]);
  expect(served.listener.stats.connectionsWaiting).toBe(1);
  served.time.advance(500);
  expect(await fourth.responsesReach(1)).toEqual(["4"]);
});

test("socket.request.max.bytes is the largest frame", async () => {
  await using served = await serve({ maxFrameBytes: 1_000 });
  const fits = served.client();
  fits.send(frame(Kind.echo, "x".repeat(999)));
  expect((await fits.responsesReach(1))[0]).toHaveLength(999);
  const client = served.client();
  client.send(frame(Kind.echo, "x".repeat(1_000)));
  await client.untilClosed();
  expect(served.refused).toMatchObject([{ reason: "frame-length" }]);
});

test("a broker obeys the configs, and warns of connections that wait or are closed", async () => {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const broker = await Broker.start({
    logger: { debug() {}, info() {}, error() {}, warn },
    configs: {
      "max.connections": 1,
      "max.connections.per.ip.overrides": "127.0.0.1:5",
      "socket.listen.backlog.size": 1,
      "socket.request.max.bytes": 1_000,
      "queued.max.request.bytes": 2_000,
    },
  });
  try {
    const large = new Client(broker.port);
    large.send(frame(Kind.echo, "x".repeat(1_000)));
    await large.untilClosed();
    const [first, second, third] = [1, 2, 3].map(() => new Client(broker.port)) as Client[];
    const apiVersions = Buffer.from("0000000a001200000000000100000000", "hex").subarray(0, 14);
    first!.send(apiVersions);
    await first!.responsesReach(1);
    second!.send(apiVersions);
    await eventually(() => warnings.length === 2);
    third!.send(apiVersions);
    await third!.untilClosed();
    const { bootstrap } = broker;
    const metrics = await (await fetch(`http://${bootstrap}/metrics`)).text();
    expect(metrics).toContain("tarpan_connections_waiting 1\n");
    expect(metrics).toContain("tarpan_connections_delayed_total 1\n");
    expect(metrics).toContain(
      `tarpan_connections_refused_total{reason="too-many-connections"} 1\n`,
    );
    first!.socket.destroy();
    second!.socket.destroy();
    const from = "closed a connection of 127.0.0.1";
    const one = "1 connections are open, the most that max.connections allows";
    expect(warnings).toEqual([
      `${from}: a frame of 1001 bytes (allowed: 1 to 1000, socket.request.max.bytes)`,
      `connections wait: ${one}`,
      `${from}: 1 connections wait (socket.listen.backlog.size): ${one}`,
    ]);
  } finally {
    await broker.stop();
  }
});
