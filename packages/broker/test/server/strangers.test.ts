import { expect, test } from "vitest";
import { ANONYMOUS } from "../../src/security/principal.ts";
import type { Gate } from "../../src/server/gate.ts";
import { frame, Kind, type Served, serve, untilStill } from "./harness.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_FRAME = 512 * KIB;

/** Lets every frame through; an echo is a log-in. */
const GATE: Gate = {
  maxFrameBytes: MAX_FRAME,
  open: ({ router, info, authenticated }) => ({
    accept(bytes) {
      const request = router.accept(bytes, info);
      const isLogIn = bytes[0] === Kind.echo;
      const logIn = () => {
        if (isLogIn) authenticated(ANONYMOUS, "PLAIN");
        return request.run();
      };
      return { lane: null, run: logIn };
    },
    closed: () => router.closed(info),
  }),
  http: { challenges: () => [], isReady: false, authenticate: async () => ANONYMOUS },
};

const withGate = (maxHeldBytesTotal: number, more = {}): Promise<Served> =>
  serve({ maxHeldBytesTotal, ...more }, undefined, undefined, undefined, GATE);

test("a client that is not known holds one frame, however many it sends", async () => {
  await using served = await withGate(512 * MIB);
  const client = served.client();
  client.send(frame(Kind.alone, "log-in"));
  await served.router.until(() => served.router.held.length === 1);
  client.send(...Array.from({ length: 20 }, () => frame(Kind.echo, Buffer.alloc(500 * KIB))));
  await untilStill(served);
  expect(served.listener.stats.heldBytes).toBeLessThan(MAX_FRAME + 128 * KIB);
  served.router.answer("log-in");
  await client.responsesReach(21);
});

test("clients that are not known have an eighth, and those that are have all", async () => {
  await using served = await withGate(8 * MIB, { maxStallMs: 10_000 });
  const known = served.client();
  known.send(frame(Kind.echo, "log-in"));
  await known.responsesReach(1);
  const half = frame(Kind.alone, Buffer.alloc(500 * KIB)).subarray(0, 400 * KIB);
  const strangers = Array.from({ length: 40 }, () => served.client());
  for (const stranger of strangers) stranger.send(half);
  await untilStill(served);
  // One frame may be finished, and each connection has read one chunk.
  const bound = MIB + MAX_FRAME + strangers.length * 64 * KIB;
  expect(served.listener.stats.heldBytes).toBeGreaterThan(MIB);
  expect(served.listener.stats.heldBytes).toBeLessThan(bound);
  // Frames far larger than a chunk, of several clients at once, so that they need the memory.
  const large = frame(Kind.echo, Buffer.alloc(2 * MIB));
  known.send(large, large);
  expect(await known.responsesReach(3)).toEqual(["log-in", `${2 * MIB}`, `${2 * MIB}`]);
  // A log-in fits a chunk, which is read in any case.
  const another = served.client();
  another.send(frame(Kind.echo, "log-in"));
  expect(await another.responsesReach(1)).toEqual(["log-in"]);
  // Of those that say no more, the one whose turn it is to be read is closed, and then the next.
  for (let i = 0; i < 4; i++) served.time.advance(5_000);
  expect(served.listener.stats.connectionsExpired).toBeGreaterThan(0);
});
