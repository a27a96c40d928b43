import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { shareOpenFiles } from "../../src/env/open-files.ts";
import { limitsOn, SERVER_LIMITS } from "../../src/server/limits.ts";
import { TcpListener } from "../../src/server/listener.ts";
import { ManualTime } from "../env/manual-time.ts";
import { bigRequest, eventually, frame, Kind, serve, ToyRouter } from "./harness.ts";

describe("starting", () => {
  test("a port in use is reported in one line", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const time = new ManualTime();
    const starting = new TcpListener({
      ...{ addresses: [at("127.0.0.1", port)], router: new ToyRouter() },
      env: { clock: time, timers: time },
      http: { accept: ({ socket }) => void socket.destroy(), close: () => {} },
    }).listen();
    await expect(starting).rejects.toMatchObject({
      code: "TARPAN_PORT_IN_USE",
      message: expect.stringMatching(
        new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: .*choose another port$`),
      ),
    });
    taken.close();
  });

  test("an address of another machine is reported in one line", async () => {
    const time = new ManualTime();
    const starting = new TcpListener({
      ...{ addresses: [at("192.0.2.1", 0)], router: new ToyRouter() },
      env: { clock: time, timers: time },
      http: { accept: ({ socket }) => void socket.destroy(), close: () => {} },
    }).listen();
    await expect(starting).rejects.toMatchObject({ code: "TARPAN_ADDRESS_UNAVAILABLE" });
  });

  test("connections over the limit are refused until others are closed", async () => {
    await using served = await serve({ maxConnections: 2 });
    const first = served.client();
    const second = served.client();
    await eventually(() => served.listener.connections === 2);
    const third = served.client();
    await third.untilClosed();
    expect(served.listener.stats.connectionsRefused["too-many-connections"]).toBe(1);
    expect(served.refused).toMatchObject([
      {
        reason: "too-many-connections",
        error: { message: expect.stringMatching(/^2 connections are open, .*\(ulimit -n\)$/) },
      },
    ]);
    first.socket.destroy();
    await eventually(() => served.listener.connections === 1);
    const fourth = served.client();
    fourth.send(frame(Kind.echo, "in"));
    expect(await fourth.responsesReach(1)).toEqual(["in"]);
    second.socket.destroy();
  });
});

describe("limits", () => {
  const GIB = 2 ** 30;

  test("depend on the memory and the open files that the process may use", () => {
    const large = limitsOn({ memoryBytes: () => 64 * GIB, openFilesMax: () => 1_048_576 });
    expect(large).toEqual(SERVER_LIMITS);
    expect(limitsOn({ memoryBytes: () => 64 * GIB, openFilesMax: () => null })).toEqual(large);
    const small = limitsOn({ memoryBytes: () => GIB / 2, openFilesMax: () => 1024 });
    expect(small).toMatchObject({
      maxConnections: 512,
      maxHeldBytesTotal: GIB / 16,
      maxUnsentBytesTotal: GIB / 16,
    });
  });

  test.each([64, 256, 1024, 20_000, 1_048_576])(
    "of %i open files leave some for other uses",
    (max) => {
      const { pooled, connections } = shareOpenFiles(max);
      expect(pooled).toBeGreaterThanOrEqual(16);
      expect(connections).toBeGreaterThanOrEqual(64);
      if (max >= 512) expect(2 * pooled + connections).toBeLessThanOrEqual(max - 256);
    },
  );
});

describe("close", () => {
  test("answers requests in progress, begins no others, accepts no connections", async () => {
    await using served = await serve();
    const { listener, router } = served;
    const client = served.client();
    const idle = served.client();
    client.send(frame(Kind.held, "in progress"), frame(Kind.alone, "waits"));
    await router.until(() => router.held.length === 1);
    await eventually(() => listener.connections === 2);
    const closing = listener.close({ graceMs: 60_000 });
    client.send(frame(Kind.echo, "too late"));
    await idle.untilClosed();
    router.answer("in progress");
    await client.untilClosed();
    await closing;
    expect(client.responses).toEqual(["in progress"]);
    expect(client.error).toBeNull();
    expect(router.begun).toEqual(["in progress"]);
    expect(listener.connections).toBe(0);
  });

  test("sends large responses completely", async () => {
    await using served = await serve();
    const client = served.client({ reading: false });
    client.send(bigRequest(7_000_000));
    await eventually(() => served.listener.stats.bytesOut > 7_000_000);
    const closing = served.listener.close({ graceMs: 60_000 });
    client.read();
    await closing;
    await client.untilClosed();
    expect(client.responses).toEqual(["7000000"]);
  });

  test("destroys connections that are open after the grace time", async () => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.held, "for ever"));
    await served.router.until(() => served.router.held.length === 1);
    const closing = served.listener.close({ graceMs: 5000 });
    served.time.advance(4999);
    expect(served.listener.connections).toBe(1);
    served.time.advance(1);
    await closing;
    await client.untilClosed();
    expect(client.responses).toEqual([]);
    expect(served.time.pendingTimers).toBe(0);
  });
});

function at(host: string, port: number) {
  return { name: "PLAINTEXT", host, port, tls: null, gate: null };
}
