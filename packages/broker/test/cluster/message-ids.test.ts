import { decodeBatches, ErrorCode, encodeBatch, Produce } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { call, create } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const TOPIC = "once";
const KILLS = 3;
const TIMEOUT_MS = 1_000;

it("a record that is sent again to the next leader is stored once, at the offset told", async () => {
  const seed = seedOf("message ids in a cluster");
  const random = new SeededRandom(seed);
  const world = new ClusterWorld({ seed });
  Object.assign(world.kafkaConfigs, { "tarpan.dedupe.enable": "true" });
  await world.run(Promise.all(world.brokers.map((broker) => broker.start().serving)));
  await create(world, TOPIC, 1, 3);
  await world.settled();
  const told = new Map<string, number>();
  const sent: string[] = [];
  const moved: unknown[] = [];
  let copies = 0;

  const send = async (leader: SimulatedBroker, id: string) => {
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: batchOf(id) }] }];
    const request = { transactionalId: null, acks: -1, timeoutMs: TIMEOUT_MS, topicData };
    const { responses } = await call(leader, Produce, 9, request);
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
    if (errorCode !== ErrorCode.NONE) return;
    const before = told.get(id);
    if (before !== undefined) copies += 1;
    if (before !== undefined && before !== baseOffset) moved.push([id, before, baseOffset]);
    told.set(id, baseOffset);
  };

  for (let kill = 0; kill <= KILLS; kill++) {
    const leader = leaderOf(world);
    const again = sent.filter((id) => !told.has(id) || random.chance(0.3));
    const fresh = Array.from({ length: 10 }, (_, index) => `id ${sent.length + index}`);
    sent.push(...fresh);
    // A broker that is killed does not answer, or its client's connection ends.
    for (const id of [...again, ...fresh, ...fresh]) void send(leader, id).catch(() => {});
    await world.pass(kill === KILLS ? TIMEOUT_MS : random.below(40));
    if (kill === KILLS) break;
    leader.kill();
    await world.until("another broker leads", () => leaderOf(world, leader) !== undefined);
    await world.run(leader.start().serving);
    await world.settled();
  }

  expect(moved).toEqual([]);
  expect([...told.keys()].sort()).toEqual([...sent].sort());
  expect(copies).toBeGreaterThan(0);
  expect(await world.run(storedIds(leaderOf(world)))).toEqual(
    [...told].map(([id, offset]) => [offset, id]).sort(([a], [b]) => Number(a) - Number(b)),
  );
  world.check();
});

function batchOf(id: string): Uint8Array {
  const headers = [{ key: "tarpan-message-id", value: new TextEncoder().encode(id) }];
  return encodeBatch([{ key: headers[0]!.value, value: null, timestamp: 1, headers }]);
}

function leaderOf(world: ClusterWorld, otherThan?: SimulatedBroker): SimulatedBroker {
  return world.serving.find((one) => one !== otherThan && one.partition(TOPIC) !== null)!;
}

async function storedIds(leader: SimulatedBroker): Promise<[number, string][]> {
  const { log } = leader.partition(TOPIC)!;
  const found: [number, string][] = [];
  for (let at = log.startOffset; at < log.endOffset; ) {
    for (const batch of decodeBatches(await log.read(at, 1 << 20))) {
      for (const { offset, key } of batch.records()) {
        found.push([offset, new TextDecoder().decode(key!)]);
      }
      at = batch.header.lastOffset + 1;
    }
  }
  return found;
}
