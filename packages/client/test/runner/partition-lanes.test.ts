// PartitionLanes against a model, with random records and random ends.
import { expect, test } from "vitest";
import { murmur2 } from "../../src/producer/murmur2.ts";
import type { ConsumedRecord } from "../../src/record.ts";
import { type Lane, PartitionLanes } from "../../src/runner/partition-lanes.ts";

const SEED = Number(process.env.TARPAN_SEED ?? Math.floor(Math.random() * 2 ** 31));

function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const hashOf = ({ key }: ConsumedRecord) => (key === null ? -1 : murmur2(key) & 0x3fffffff);

function recordAt(offset: number, key: string | null): ConsumedRecord {
  const bytes = key === null ? null : Buffer.from(key);
  return { topic: "t", partition: 0, offset, timestamp: 0, key: bytes, value: null, headers: [] };
}

test.each(Array.from({ length: 10 }, (_, index) => SEED + index))("TARPAN_SEED=%i", (seed) => {
  const random = randomOf(seed);
  const limit = 1 + random(300);
  const at = { topic: "t", partition: 0 };
  const lanes = new PartitionLanes(at, 0, limit, false, hashOf);
  const read: ConsumedRecord[] = [];
  const done = new Set<number>();
  const running = new Set<Lane>();
  const queue: Lane[] = [];
  const begun: number[] = [];
  let offset = 0;
  let committed = 0;
  const indexOf = (lane: Lane) => lanes.recordAt(lane.head);
  const begin = (lane: Lane) => {
    const record = indexOf(lane);
    // Whatever has the same key and came before is done.
    if (record.key !== null)
      for (const each of read)
        if (each.offset < record.offset && each.key?.equals(record.key))
          expect(done).toContain(each.offset);
    // No further than the limit beyond what is committed.
    const ahead = read.filter((each) => each.offset >= committed && each.offset < record.offset);
    expect(ahead.length).toBeLessThan(limit);
    lane.busy = true;
    running.add(lane);
    begun.push(record.offset);
  };
  for (let step = 0; step < 500; step++) {
    switch (random(5)) {
      case 0:
        for (let count = random(20); count > 0 && read.length < 400; count--) {
          offset += 1 + random(3);
          const record = recordAt(offset, random(4) === 0 ? null : `k${random(12)}`);
          read.push(record);
          lanes.read(record);
          lanes.position = offset + 1;
        }
        lanes.admit();
        break;
      case 1: {
        const lane = queue.shift() ?? lanes.nextLane();
        if (lane !== null) begin(lane);
        break;
      }
      case 2:
      case 3: {
        const lane = [...running][random(running.size)];
        if (lane === undefined) break;
        const count = lanes.headsOf(lane, 1 + random(3)).length;
        for (const { offset: ended } of lanes.headsOf(lane, count)) done.add(ended);
        running.delete(lane);
        if (lanes.done(lane, count)) {
          lane.busy = true;
          queue.push(lane);
        }
        break;
      }
      default:
        committed = lanes.committable;
        lanes.committed(lanes.floor, committed);
        lanes.admit();
    }
    const lowest = read.find((each) => !done.has(each.offset));
    expect(lanes.committable).toBe(lowest?.offset ?? lanes.position);
  }
  // Everything that was read can be handled in the end.
  while (done.size < read.length) {
    lanes.committed(lanes.floor, lanes.committable);
    committed = lanes.committable;
    lanes.admit();
    const lane = [...running][0] ?? queue.shift() ?? lanes.nextLane()!;
    for (const { offset: ended } of lanes.headsOf(lane, 1)) done.add(ended);
    running.delete(lane);
    if (lanes.done(lane, 1)) {
      lane.busy = true;
      queue.push(lane);
    }
  }
  expect(lanes.idle).toBe(true);
});
