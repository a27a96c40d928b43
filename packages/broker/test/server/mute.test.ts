import { expect, test } from "vitest";
import { eventually, frame, Kind, serve, untilStill } from "./harness.ts";

test("a muted connection begins nothing and is not read, and others go on", async () => {
  await using served = await serve();
  const muted = served.client();
  muted.send(frame(Kind.held, "1"), frame(Kind.held, "2"));
  await served.router.until(() => served.router.begun.length === 2);
  const [info] = [...served.router.infos.values()];
  info!.throttle(1_000);
  info!.throttle(400);
  const before = served.listener.stats.bytesIn;
  muted.send(frame(Kind.echo, "3"));
  const other = served.client();
  other.send(frame(Kind.echo, "other"));
  expect(await other.responsesReach(1)).toEqual(["other"]);
  // What is in progress is answered at once: the answer tells the client how long to wait.
  served.router.answer("1");
  served.router.answer("2");
  expect(await muted.responsesReach(2)).toEqual(["1", "2"]);
  served.time.advance(999);
  await untilStill(served);
  expect(muted.responses).toEqual(["1", "2"]);
  expect(served.listener.stats.bytesIn - before).toBe(frame(Kind.echo, "other").length);
  served.time.advance(1);
  expect(await muted.responsesReach(3)).toEqual(["1", "2", "3"]);
});

test("requests that came before the mute wait for its end, also if the client ends", async () => {
  await using served = await serve();
  const client = served.client({ allowHalfOpen: true });
  client.send(frame(Kind.alone, "1"), frame(Kind.echo, "2"), frame(Kind.echo, "3"));
  await served.router.until(() => served.router.begun.length === 1);
  [...served.router.infos.values()][0]!.throttle(500);
  served.router.answer("1");
  client.socket.end();
  expect(await client.responsesReach(1)).toEqual(["1"]);
  await untilStill(served);
  expect([client.responses, client.ended]).toEqual([["1"], false]);
  served.time.advance(500);
  expect(await client.responsesReach(3)).toEqual(["1", "2", "3"]);
  await client.untilClosed();
});

test("a muted connection that its client has left is closed as an idle one", async () => {
  await using served = await serve({ maxIdleMs: 1_000 });
  const clients = Array.from({ length: 3 }, () => served.client());
  for (const client of clients) client.send(frame(Kind.echo, "1"), frame(Kind.held, "2"));
  await served.router.until(() => served.router.begun.length === 3);
  for (const info of served.router.infos.values()) info.throttle(2 ** 31 - 1);
  for (let i = 0; i < 40; i++) served.time.advance(1_000);
  await untilStill(served);
  // The second requests are in progress: they are answered however long that takes.
  expect(served.listener.connections).toBe(3);
  for (const _ of clients) served.router.answer("2");
  await Promise.all(clients.map((client) => client.responsesReach(2)));
  for (const client of clients) client.socket.destroy();
  // Those that are not read don't notice it.
  for (let i = 0; i < 30; i++) served.time.advance(1_000);
  await eventually(() => served.listener.connections === 0);
  expect(served.listener.stats.connectionsExpired).toBe(3);
});

test("a muted connection ends with its listener", async () => {
  await using served = await serve();
  const client = served.client();
  client.send(frame(Kind.echo, "1"));
  await client.responsesReach(1);
  [...served.router.infos.values()][0]!.throttle(60_000);
  const closed = served.listener.close({ graceMs: 1_000 });
  await client.untilClosed();
  await closed;
});

test("half a frame of a muted connection does not keep others from reading", async () => {
  await using served = await serve({ maxHeldBytesTotal: 1_000 });
  const muted = served.client();
  muted.send(frame(Kind.echo, "1"));
  await muted.responsesReach(1);
  const info = [...served.router.infos.values()][0]!;
  const large = frame(Kind.echo, "x".repeat(3_000));
  // Memory is full, and this connection is the one that may read its frame to the end.
  muted.send(large.subarray(0, 2_000));
  await eventually(() => served.listener.stats.heldBytes === 2_000);
  info.throttle(1_000);
  const other = served.client();
  other.send(large);
  expect(await other.responsesReach(1)).toEqual(["3000"]);
  muted.send(large.subarray(2_000));
  await untilStill(served);
  expect(muted.responses).toHaveLength(1);
  served.time.advance(1_000);
  expect(await muted.responsesReach(2)).toEqual(["1", "3000"]);
});
