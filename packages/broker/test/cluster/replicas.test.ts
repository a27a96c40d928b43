import { DescribeLogDirs } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { REPLICA_STATES_INTERVAL_MS } from "../../src/cluster/limits.ts";
import { CHECKPOINT_STREAM, streamNameOf } from "../../src/log/jetstream/stream-config.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { batchOf } from "../log/batches.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { call, create, imageOf, produce, settledWorld } from "./requests.ts";

const LOOKS_MS = 2 * REPLICA_STATES_INTERVAL_MS;

describe("replicas", () => {
  it("leave the ISR when their server goes, and return when it is back", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 3);
    await world.settled();
    expect([...imageOf(world, "orders").isr].sort()).toEqual([1, 2, 3]);
    const victim = world.bystander;
    victim.kill();
    const isIn = () => imageOf(world, "orders").isr.includes(victim.id);
    await world.until("it is out", () => !isIn(), 15_000);
    victim.start();
    await world.until("it is in again", isIn, 15_000);
    await world.settled();
    world.check();
  });

  it("move as a reassignment says, and the leader moves with them", async () => {
    const world = await settledWorld(4);
    await create(world, "orders", 1, 2);
    await world.settled();
    const before = imageOf(world, "orders");
    const target = [1, 2, 3, 4].filter((id) => !before.replicas.includes(id));
    const partitions = [{ partitionIndex: 0, replicas: target }];
    const { controller } = world.bystander.member.metadata;
    const options = { allowReplicationFactorChange: false, timeoutMs: 5_000 };
    const topics = [{ name: "orders", partitions }];
    await world.run(controller.alterReassignments({ topics, ...options }));
    expect(imageOf(world, "orders").adding).toEqual(target);
    const isDone = () => imageOf(world, "orders").adding.length === 0;
    await world.until("they are there", isDone, 30_000);
    const after = imageOf(world, "orders");
    expect(after.replicas).toEqual(target);
    expect(target).toContain(after.leader);
    expect([...world.servers.replicasOf(streamOf(world, "orders"))].sort()).toEqual(target);
    await world.settled();
    world.check();
  });

  it("have their Raft leader beside the partition's leader where that is possible", async () => {
    const world = await settledWorld();
    await create(world, "orders", 3, 3);
    await world.settled();
    await world.pass(2 * LOOKS_MS);
    for (const index of [0, 1, 2]) {
      const raftLeader = world.servers.leaderOf(streamOf(world, "orders", index));
      expect(raftLeader).toBe(imageOf(world, "orders", index).leader);
    }
  });

  it("are led by the preferred leader again after a while", async () => {
    const world = await settledWorld();
    await create(world, "orders", 3, 3);
    await world.settled();
    const victim = world.bystander;
    victim.kill();
    await world.settled();
    victim.start();
    await world.settled();
    const isPreferred = () =>
      [0, 1, 2].every((index) => {
        const { leader, replicas } = imageOf(world, "orders", index);
        return leader === replicas[0];
      });
    expect(isPreferred()).toBe(false);
    // leader.imbalance.check.interval.seconds
    await world.until("leaders are preferred ones", isPreferred, 320_000);
    await world.settled();
    world.check();
  });

  it("of the metadata and the checkpoints are as many as there are brokers for", async () => {
    const world = await settledWorld(1);
    const counts = () =>
      [streamNameOf(METADATA_LOG), CHECKPOINT_STREAM].map((name) => {
        return world.servers.replicasOf(name).length;
      });
    expect(counts()).toEqual([1, 1]);
    world.add(2);
    for (const broker of world.brokers) if (broker.life === null) broker.start();
    await world.until("they have grown", () => counts().join() === "3,3", 40_000);
    await world.settled();
    world.check();
  });
});

function streamOf(world: ClusterWorld, topic: string, partition = 0): string {
  const { id: topicId } = world.serving[0]!.member.metadata.image.topics.get(topic)!;
  return streamNameOf({ topic, topicId, partition });
}

it("of a broker are in its own DescribeLogDirs, whichever broker leads them", async () => {
  const world = await settledWorld(4);
  await create(world, "orders", 4, 3);
  await world.settled();
  for (const index of [0, 1, 2, 3]) await produce(world, "orders", index);
  await world.settled();
  for (const broker of world.serving) {
    const answer = await world.run(call(broker, DescribeLogDirs, 4, { topics: null }));
    const [orders] = answer.results[0]!.topics;
    const held = [0, 1, 2, 3].filter((index) => {
      return imageOf(world, "orders", index).replicas.includes(broker.id);
    });
    expect(orders!.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual(held);
    for (const { partitionSize, offsetLag, isFutureKey } of orders!.partitions) {
      expect(partitionSize).toBeGreaterThanOrEqual(batchOf(1).length);
      expect({ offsetLag, isFutureKey }).toEqual({ offsetLag: 0, isFutureKey: false });
    }
    const { totalBytes, usableBytes } = answer.results[0]!;
    expect(totalBytes).toBeGreaterThan(usableBytes);
    broker.life!.link.silences = (operation) => operation.includes("LIST");
  }
  // The engine reports sizes; which replicas a broker holds comes from the metadata.
  const [broker] = world.serving;
  const answer = await world.run(call(broker!, DescribeLogDirs, 4, { topics: null }));
  const sizes = answer.results[0]!.topics[0]!.partitions.map((one) => one.partitionSize);
  expect(sizes).toHaveLength(3);
  expect(sizes).toContain(-1);
});
