import { describe, expect, test } from "vitest";
import { bigRequest, eventually, frame, Kind, type Served, serve, untilStill } from "./harness.ts";

const MIB = 1024 * 1024;

/** Another connection still gets its answer. */
async function expectServed(served: Served): Promise<void> {
  const other = served.client();
  other.send(frame(Kind.echo, "still here"));
  expect(await other.responsesReach(1)).toEqual(["still here"]);
  other.socket.destroy();
}

describe("back-pressure", () => {
  test("a client that reads nothing sends 100,000 pipelined requests", async () => {
    await using served = await serve();
    const greedy = served.client({ reading: false });
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => bigRequest(4000)));
    const before = process.memoryUsage();
    for (let i = 0; i < 100; i++) greedy.send(batch);
    await untilStill(served);
    const after = process.memoryUsage();
    expect(served.router.runs).toBeLessThan(20_000);
    expect(after.arrayBuffers + after.heapUsed).toBeLessThan(
      before.arrayBuffers + before.heapUsed + 150 * MIB,
    );
    await expectServed(served);
    greedy.read();
    expect((await greedy.responsesReach(100_000)).every((size) => size === "4000")).toBe(true);
  });

  test("a client that reads nothing asks for large responses: few are produced", async () => {
    await using served = await serve();
    const slow = served.client({ reading: false });
    slow.send(...Array.from({ length: 200 }, () => bigRequest(4 * MIB)));
    await untilStill(served);
    expect(served.router.runs).toBeLessThan(10);
    await expectServed(served);
    slow.read();
    await slow.responsesReach(200);
    expect(slow.receivedBytes).toBe(200 * 4 * MIB);
  });

  test("a connection is not read while too many of its received bytes wait", async () => {
    await using served = await serve({ maxHeldBytes: MIB });
    const client = served.client();
    client.send(frame(Kind.alone, "first"));
    await served.router.until(() => served.router.held.length === 1);
    const batch = Array.from({ length: 100 }, () => frame(Kind.echo, Buffer.alloc(100_000)));
    client.send(...batch);
    await untilStill(served);
    expect(served.listener.stats.bytesIn).toBeLessThan(2 * MIB);
    await expectServed(served);
    served.router.answer("first");
    await client.responsesReach(101);
    expect(client.receivedBytes).toBe("first".length + 100 * 100_000);
  });

  test("a frame larger than the memory limit is still read completely", async () => {
    await using served = await serve({ maxHeldBytes: 1000, maxHeldBytesTotal: 1000 });
    const client = served.client();
    client.send(frame(Kind.echo, Buffer.alloc(3 * MIB)), frame(Kind.echo, Buffer.alloc(2 * MIB)));
    expect(await client.responsesReach(2)).toEqual([`${3 * MIB}`, `${2 * MIB}`]);
  });

  test("a connection has at most maxInFlight requests in progress", async () => {
    await using served = await serve({ maxInFlight: 10 });
    const { router } = served;
    const client = served.client();
    client.send(...Array.from({ length: 25 }, (_, i) => frame(Kind.held, `${i}`)));
    await untilStill(served);
    expect(router.held.length).toBe(10);
    for (let i = 0; i < 25; i++) {
      await router.until(() => router.begun.includes(`${i}`));
      router.answer(`${i}`);
    }
    await client.responsesReach(25);
  });

  test("half-read frames above the total limit do not block each other for ever", async () => {
    await using served = await serve({ maxHeldBytesTotal: 2 * MIB });
    const clients = Array.from({ length: 6 }, () => served.client());
    const whole = frame(Kind.echo, Buffer.alloc(MIB));
    for (const client of clients) client.send(whole.subarray(0, 700_000));
    await untilStill(served);
    expect(served.listener.stats.bytesIn).toBeLessThan(4 * MIB);
    await expectServed(served);
    for (const client of clients) client.send(whole.subarray(700_000));
    for (const client of clients) expect(await client.responsesReach(1)).toEqual([`${MIB}`]);
  });

  test("when memory is full, a stalled frame is dropped, and a waiting one is read", async () => {
    await using served = await serve({ maxHeldBytesTotal: 100_000, maxStallMs: 10_000 });
    const stalled = served.client();
    stalled.send(frame(Kind.echo, Buffer.alloc(MIB)).subarray(0, 300_000));
    await untilStill(served);
    const waiting = served.client();
    waiting.send(frame(Kind.echo, Buffer.alloc(MIB)));
    await untilStill(served);
    expect(waiting.responses).toEqual([]);
    served.time.advance(5_000);
    served.time.advance(5_000);
    served.time.advance(5_000);
    await stalled.untilClosed();
    expect(await waiting.responsesReach(1)).toEqual([`${MIB}`]);
  });

  test("a request in progress that fills the memory does not stop other frames", async () => {
    await using served = await serve({ maxHeldBytesTotal: 100_000 });
    const first = served.client();
    first.send(frame(Kind.held, Buffer.alloc(400_000, "x")));
    await served.router.until(() => served.router.held.length === 1);
    expect(served.listener.stats.heldBytes).toBeGreaterThan(400_000);
    const second = served.client();
    second.send(frame(Kind.echo, Buffer.alloc(MIB)));
    expect(await second.responsesReach(1)).toEqual([`${MIB}`]);
  });

  test("thousands of requests of one connection leave turns for others", async () => {
    await using served = await serve({ maxStartsPerTurn: 10 });
    const busy = served.client();
    busy.send(...Array.from({ length: 2000 }, (_, i) => frame(Kind.echo, `${i}`)));
    let most = 0;
    while (served.router.runs < 2000) {
      const before = served.router.runs;
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, served.router.runs - before);
    }
    expect(most).toBeLessThan(100);
    await busy.responsesReach(2000);
  });

  test("closing a connection frees its memory", async () => {
    await using served = await serve({ maxHeldBytesTotal: 100_000 });
    const leaving = served.client();
    leaving.send(frame(Kind.echo, Buffer.alloc(MIB)).subarray(0, 300_000));
    const waiting = served.client();
    await untilStill(served);
    waiting.send(frame(Kind.echo, Buffer.alloc(MIB)));
    await untilStill(served);
    leaving.socket.destroy();
    expect(await waiting.responsesReach(1)).toEqual([`${MIB}`]);
  });

  test("when too many responses are unread in total, peers that read are served", async () => {
    await using served = await serve({
      ...{ maxUnsentBytesTotal: 8 * MIB, maxUnsentBytes: 900 * MIB, maxStartsPerTurn: 2 },
    });
    const slow = Array.from({ length: 4 }, () => served.client({ reading: false }));
    for (const client of slow) client.send(...Array.from({ length: 50 }, () => bigRequest(MIB)));
    await untilStill(served);
    expect(served.router.runs).toBeLessThan(100);
    await expectServed(served);
    await eventually(() => served.router.closedIds.length === 1);
    for (const client of slow) client.read();
    for (const client of slow) await client.responsesReach(50);
  });
});
