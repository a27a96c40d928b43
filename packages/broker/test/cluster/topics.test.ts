import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { logIdOf } from "../../src/log/jetstream/stream-config.ts";
import { createPartitions, deleteTopics } from "../metadata/ask.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { create, produce, settledWorld } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

describe("the logs of topics", () => {
  it("are created with the topic, on its replicas, and deleted with it", async () => {
    const world = await settledWorld(4);
    await create(world, "orders", 3, 3);
    await world.settled();
    const { image } = world.broker(1).member.metadata;
    const { partitions } = image.topics.get("orders")!;
    expect(partitionsOf(world, "orders")).toHaveLength(3);
    for (const { name, partition } of partitionsOf(world, "orders")) {
      const replicas = [...world.servers.replicasOf(name)].sort();
      expect(replicas).toEqual([...partitions[partition]!.replicas].sort());
    }
    const [deleted] = await world.run(
      deleteTopics(world.bystander.member.metadata, [{ name: "orders", id: null }]),
    );
    expect(deleted!.errorCode).toBe(ErrorCode.NONE);
    await world.until("they are gone", () => partitionsOf(world, "orders").length === 0);
    for (const { member } of world.brokers) {
      const found = member.partitions.find("orders", 0);
      expect(found).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    world.check();
  });

  it("survive when a former controller is asked to create the same partitions", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 3);
    const former = world.controller;
    former.life!.bus.cut = true;
    const other = world.serving.find((one) => one !== former)!;
    await world.until("there is another", () => world.controllerId(other) === other.id);
    const grow = (broker: SimulatedBroker) => {
      const spec = { name: "orders", count: 2, assignments: null };
      return world.run(createPartitions(broker.member.metadata, [spec]));
    };
    const [grown] = await grow(other);
    expect(grown!.errorCode).toBe(ErrorCode.NONE);
    await produce(world, "orders", 1);
    // It would soon be isolated, and would learn that it was deposed.
    const [again] = await grow(former);
    expect(again!.errorCode).not.toBe(ErrorCode.NONE);
    former.life!.bus.cut = false;
    await world.settled();
    expect(partitionsOf(world, "orders")).toHaveLength(2);
  });
});

/** Streams of a topic's partitions, without those that were set aside. */
function partitionsOf(world: ClusterWorld, topic: string) {
  return [...world.model.streams.values()].flatMap(({ config }) => {
    const id = logIdOf(config as unknown as Parameters<typeof logIdOf>[0]);
    return id?.topic === topic ? { name: config.name, ...id } : [];
  });
}
