import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import type { CloseReason } from "../../src/server/refused-request.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { bigRequest, eventually, frame, Kind, serve, untilStill } from "./harness.ts";

describe("bad input closes only its own connection", () => {
  const length = (value: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const garbage: [string, Buffer, CloseReason][] = [
    ["length 0", length(0), "frame-length"],
    ["length -1", length(-1), "frame-length"],
    ["length 104857601", length(104_857_601), "frame-length"],
    ["length 2^31-1", length(2 ** 31 - 1), "frame-length"],
    ["TLS", Buffer.from("160301020001000001fc0303", "hex"), "tls"],
    ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"), "frame-length"],
    ["an unknown request", frame(99), "bug"],
    ["a request the router refuses", frame(Kind.refused), "unparsable"],
    ["a request that fails", frame(Kind.failing), "bug"],
  ];

  test.each(garbage)("%s", async (_name, bytes, reason) => {
    await using served = await serve();
    const other = served.client();
    other.send(frame(Kind.held, "mine"));
    await served.router.until(() => served.router.held.length === 1);
    const bad = served.client();
    bad.send(bytes);
    await bad.untilClosed();
    expect(bad.responses).toEqual([]);
    expect(served.refused).toMatchObject([{ reason, remoteAddress: "127.0.0.1" }]);
    const counted = Object.entries(served.listener.stats.connectionsFailed);
    expect(counted.filter(([, count]) => count > 0)).toEqual([[reason, 1]]);
    served.router.answer("mine");
    expect(await other.responsesReach(1)).toEqual(["mine"]);
  });

  test.each(garbage)("%s, after good requests, which are answered", async (_name, bytes) => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.echo, "good"), frame(Kind.held, "slow"), bytes, frame(Kind.echo, "no"));
    await served.router.until(() => served.router.held.length === 1);
    await eventually(() => served.refused.length === 1);
    served.router.answer("slow");
    await client.untilClosed();
    expect(client.responses).toEqual(["good", "slow"]);
  });

  test("no request after a failed one is answered", async () => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.held, "fails"), frame(Kind.echo, "never"), frame(Kind.held, "late"));
    await served.router.until(() => served.router.held.length === 2);
    served.router.fail("fails");
    await client.untilClosed();
    served.router.answer("late");
    expect(client.responses).toEqual([]);
  });

  test("random bytes", async () => {
    await using served = await serve({ maxIdleMs: 1000 });
    const random = new SeededRandom(seedOf("random bytes to the listener"));
    for (let round = 0; round < 200; round++) {
      const client = served.client();
      const bytes = Buffer.from(random.bytes(1 + random.below(200)));
      if (random.chance(0.5)) bytes.writeUInt8(0, 0);
      client.send(random.chance(0.3) ? frame(Kind.echo, bytes) : bytes, bytes);
      client.socket.end();
    }
    const client = served.client();
    client.send(frame(Kind.echo, "alive"));
    expect(await client.responsesReach(1)).toEqual(["alive"]);
  });
});

describe("peers that disconnect", () => {
  test("resets during requests and responses", async () => {
    await using served = await serve();
    for (let round = 0; round < 50; round++) {
      const client = served.client({ reading: round % 2 === 0 });
      client.send(frame(Kind.held, `${round}`), bigRequest(3_000_000), frame(Kind.echo, "x"));
      await served.router.until(() => served.router.held.length === 1);
      client.socket.resetAndDestroy();
      if (round % 3 === 0) await served.router.until(() => served.router.closedIds.length > round);
      served.router.answer(`${round}`);
    }
    await served.router.until(() => served.router.closedIds.length === 50);
    await eventually(() => served.listener.connections === 0);
  });

  test("closing aborts the signal, notifies the router and begins no more requests", async () => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.alone, "long poll"), frame(Kind.held, "behind"));
    await served.router.until(() => served.router.held.length === 1);
    const [info] = served.router.infos.values();
    expect(info!.signal.aborted).toBe(false);
    expect(info!.remoteAddress).toBe("127.0.0.1");
    expect(info!.localAddress).toBe("127.0.0.1");
    expect(info!.localPort).toBe(served.listener.ports[0]);
    client.socket.resetAndDestroy();
    await served.router.until(() => served.router.closedIds.includes(info!.id));
    expect(info!.signal.aborted).toBe(true);
    served.router.answer("long poll");
    await eventually(() => served.listener.connections === 0);
    expect(served.router.begun).toEqual(["long poll"]);
  });

  test("a half-closed client gets all its responses, then the end", async () => {
    await using served = await serve();
    const client = served.client({ allowHalfOpen: true });
    client.send(frame(Kind.alone, "one"), frame(Kind.echo, "two"), bigRequest(2_000_000));
    client.send(frame(Kind.echo, "cut off").subarray(0, 7));
    client.socket.end();
    await served.router.until(() => served.router.held.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    served.router.answer("one");
    await once(client.socket, "end");
    expect(client.responses).toEqual(["one", "two", "2000000"]);
    await client.untilClosed();
  });

  test("a half-closed client also gets the responses of waiting requests", async () => {
    await using served = await serve({ maxStartsPerTurn: 7 });
    const client = served.client({ allowHalfOpen: true });
    client.send(...Array.from({ length: 1000 }, (_, i) => frame(Kind.echo, `${i}`)));
    client.socket.end();
    await once(client.socket, "end");
    expect(client.responses.length).toBe(1000);
  });

  test("a half-closed client is cut off if its request takes too long", async () => {
    await using served = await serve({ farewellMs: 10_000 });
    const client = served.client({ allowHalfOpen: true });
    client.send(frame(Kind.held, "a poll of an hour"));
    client.socket.end();
    await served.router.until(() => served.router.held.length === 1);
    await untilStill(served);
    for (let i = 0; i < 4; i++) served.time.advance(5_000);
    await client.untilClosed();
    expect(client.responses).toEqual([]);
  });

  test("a half-closed client that reads nothing is cut off", async () => {
    await using served = await serve({ farewellMs: 10_000 });
    const client = served.client({ allowHalfOpen: true, reading: false });
    client.socket.pause();
    client.send(...Array.from({ length: 20 }, () => bigRequest(2_000_000)));
    client.socket.end();
    await eventually(() => served.router.runs >= 4);
    for (let i = 0; i < 4; i++) {
      await untilStill(served);
      served.time.advance(5_000);
    }
    await eventually(() => served.listener.connections === 0);
  });

  test("connections that close without a request", async () => {
    await using served = await serve();
    for (let i = 0; i < 20; i++) {
      const socket = connect(served.listener.ports[0]!, "127.0.0.1");
      await once(socket, "connect");
      if (i % 2 === 0) socket.write("ab");
      socket.end();
      await once(socket, "close");
    }
    await eventually(() => served.listener.connections === 0);
    expect(served.router.closedIds).toEqual([]);
  });
});

describe("idle connections", () => {
  const pass = async (time: { advance(ms: number): void }, ms: number) => {
    for (let i = 0; i < ms; i += 250) time.advance(250);
    await new Promise((resolve) => setImmediate(resolve));
  };

  test("are closed: without a byte, with part of a frame, or after a request", async () => {
    await using served = await serve({ maxIdleMs: 1000 });
    const silent = served.client();
    const half = served.client();
    half.send(frame(Kind.echo, "never whole").subarray(0, 9));
    const used = served.client();
    used.send(frame(Kind.echo, "once"));
    await used.responsesReach(1);
    await eventually(() => served.listener.connections === 3);
    await pass(served.time, 3000);
    await Promise.all([silent.untilClosed(), half.untilClosed(), used.untilClosed()]);
    expect(served.listener.stats.connectionsExpired).toBe(3);
  });

  test("two thousand half frames delay no other client, and expire", async () => {
    await using served = await serve({ maxIdleMs: 1000 });
    const half = frame(Kind.echo, Buffer.alloc(2000)).subarray(0, 1000);
    const slow = Array.from({ length: 2000 }, () => served.client());
    for (const client of slow) client.send(half);
    await eventually(() => served.listener.stats.bytesIn === 2000 * half.length);
    const other = served.client();
    other.send(frame(Kind.held, "served"));
    await served.router.until(() => served.router.held.length === 1);
    await pass(served.time, 3000);
    await Promise.all(slow.map((client) => client.untilClosed()));
    served.router.answer("served");
    expect(await other.responsesReach(1)).toEqual(["served"]);
  });

  test("a connection with a request in progress is not idle", async () => {
    await using served = await serve({ maxIdleMs: 1000 });
    const client = served.client();
    client.send(frame(Kind.held, "long poll"));
    await served.router.until(() => served.router.held.length === 1);
    await pass(served.time, 5000);
    served.router.answer("long poll");
    expect(await client.responsesReach(1)).toEqual(["long poll"]);
    await pass(served.time, 3000);
    await client.untilClosed();
  });

  test("a connection whose peer does not read responses is closed", async () => {
    await using served = await serve({ maxIdleMs: 1000 });
    const client = served.client({ reading: false });
    client.socket.pause();
    client.send(...Array.from({ length: 20 }, () => bigRequest(4_000_000)));
    await eventually(() => served.router.runs > 1);
    for (let i = 0; i < 10; i++) {
      await untilStill(served);
      await pass(served.time, 500);
    }
    await eventually(() => served.listener.connections === 0);
  });
});
