import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { BROKERS_EXPECTED_WAIT_MS } from "../../src/cluster/limits.ts";
import { streamNameOf } from "../../src/log/jetstream/stream-config.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../../src/metadata/topic-names.ts";
import { Secret } from "../../src/util/secret.ts";
import { createTopics } from "../metadata/ask.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { imageOf } from "./requests.ts";

const METADATA_STREAM = streamNameOf(METADATA_LOG);

describe("founding", () => {
  it("gives brokers that start together one cluster and one controller", async () => {
    const world = await ClusterWorld.started();
    await world.settled();
    expect(new Set(clusterIds(world)).size).toBe(1);
    expect(world.servers.replicasOf(METADATA_STREAM)).toEqual([1, 2, 3]);
    world.check();
  });

  it("begins the metadata with the initial admin, once", async () => {
    const world = new ClusterWorld();
    world.initialAdmin = { name: "admin", password: new Secret("a-secret") };
    const lives = world.brokers.map((broker) => broker.start());
    // Passwords are hashed in real time, while the clock of the world goes on.
    await world.run(Promise.all(lives.map(({ serving }) => serving)), 86_400_000);
    await world.settled();
    const credentials = world.brokers.map(({ member }) => member.metadata.image.users.get("admin"));
    expect(credentials[0]?.size).toBe(2);
    for (const one of credentials) expect(one).toEqual(credentials[0]);
    const said = world.lines.filter((line) => line.includes("initial_admin"));
    expect(said).toHaveLength(3);
    expect(said.filter((line) => line.includes("the new cluster has"))).toHaveLength(1);
    world.check();
  });

  it("founds nothing without the password of the initial admin", async () => {
    const world = new ClusterWorld();
    world.initialAdmin = { name: "admin", password: null };
    const [life] = world.brokers.map((broker) => broker.start());
    await expect(world.run(life!.serving)).rejects.toMatchObject({ code: "TARPAN_CONFIG" });
    expect(world.model.streams.has(METADATA_STREAM)).toBe(false);
  });

  it("gives one cluster to brokers that do not hear each other", async () => {
    const world = new ClusterWorld();
    for (const broker of world.brokers) broker.start().bus.cut = true;
    await world.run(Promise.all(world.brokers.map(({ life }) => life!.opening)));
    for (const { life } of world.brokers) life!.bus.cut = false;
    await world.settled();
    expect(new Set(clusterIds(world)).size).toBe(1);
    world.check();
  });

  it("leaves the metadata's replicas on brokers that have not registered yet", async () => {
    const world = new ClusterWorld();
    const [first, ...others] = world.brokers;
    for (const broker of others) broker.start();
    // Their heartbeats arrive, but they can't read the metadata yet.
    await world.pass(1_000);
    const life = first!.start();
    await world.until("it is founded", () => world.model.streams.has(METADATA_STREAM));
    for (const broker of others) broker.life!.link.cut = true;
    await world.run(life.serving);
    for (let passedMs = 0; passedMs < 20_000; passedMs += 500) {
      await world.pass(500);
      expect(world.servers.replicasOf(METADATA_STREAM)).toHaveLength(3);
    }
  });

  it("waits for the cluster that other brokers name, and founds no other one", async () => {
    const world = await ClusterWorld.started({ brokers: 3 });
    await world.settled();
    const [clusterId] = clusterIds(world);
    const [first, second, third] = world.brokers;
    for (const broker of world.brokers) broker.kill();
    world.model.streams.delete(METADATA_STREAM);
    // One that lost its disk starts first, and hears brokers that know their cluster.
    await first!.fs.remove("/data-1");
    const lives = [first!.start(), second!.start(), third!.start()];
    const lost = { code: "TARPAN_METADATA_LOST" };
    await expect(world.run(lives[1]!.serving)).rejects.toMatchObject(lost);
    await expect(world.run(lives[2]!.serving)).rejects.toMatchObject(lost);
    expect(world.model.streams.has(METADATA_STREAM)).toBe(false);
    expect(clusterId).not.toBe("");
  });

  it("refuses a broker of another cluster", async () => {
    const world = await ClusterWorld.started();
    const other = await ClusterWorld.started({ seed: 2 });
    const stranger = world.broker(3);
    stranger.kill();
    await stranger.fs.remove("/data-3");
    await copyIdFile(other, stranger.fs);
    const { serving } = stranger.start();
    await expect(world.run(serving)).rejects.toMatchObject({ code: "TARPAN_OTHER_CLUSTER" });
  });

  it("ends when the broker is told to stop while it waits", async () => {
    const world = new ClusterWorld();
    const { serving, stopping, link } = world.broker(1).start();
    link.cut = true;
    await world.pass(10_000);
    stopping.abort(new Error("stopped"));
    await expect(world.run(serving)).rejects.toThrow("stopped");
  });
});

describe("a topic that is created while brokers are expected to register", () => {
  it("waits for brokers that are listed, or heard, and have not registered yet", async () => {
    for (const peers of [["b:1", "c:1"], []]) {
      const world = await twoOfThree(peers);
      const made = Promise.all([createTopic(world, -1), createOffsets(world)]);
      await world.pass(BROKERS_EXPECTED_WAIT_MS / 2);
      expect(world.controller.member.metadata.image.topics.size).toBe(0);
      const third = world.broker(3).life ?? world.broker(3).start();
      third.link.cut = false;
      await world.run(third.serving);
      expect((await world.run(made))[0]).toBe(ErrorCode.NONE);
      for (const name of [TOPIC, CONSUMER_OFFSETS_TOPIC]) {
        expect(imageOf(world, name).replicas).toHaveLength(3);
      }
      await world.settled();
      world.check();
    }
  });

  it("is refused when they do not register, and at once when no broker is missing", async () => {
    const world = await twoOfThree(["b:1", "c:1"]);
    expect(await refused(world)).toBe(BROKERS_EXPECTED_WAIT_MS);
    // The topic of offsets is made with two replicas, as there are two brokers.
    await world.run(createOffsets(world));
    expect(imageOf(world, CONSUMER_OFFSETS_TOPIC).replicas).toHaveLength(2);
    const whole = await ClusterWorld.started({ brokers: 2 });
    await whole.settled();
    expect(await refused(whole)).toBe(0);
  });
});

/** Two brokers that serve. A third is either only listed, or is heard but can't register. */
async function twoOfThree(peers: readonly string[]): Promise<ClusterWorld> {
  const world = new ClusterWorld();
  world.peers.push(...peers);
  Object.assign(world.kafkaConfigs, DEFAULTS);
  const [first, second, third] = world.brokers.slice(0, 3);
  const serving = [first!, second!].map((broker) => broker.start().serving);
  if (peers.length === 0) third!.start().link.cut = true;
  await world.run(Promise.all(serving));
  return world;
}

const DEFAULTS = { "default.replication.factor": "3", "offsets.topic.num.partitions": "3" };

const TOPIC = "orders";

async function createTopic(world: ClusterWorld, replicationFactor: number): Promise<number> {
  const spec = { name: TOPIC, numPartitions: 1, replicationFactor, assignments: [], configs: [] };
  return (await createTopics(world.bystander.member.metadata, [spec]))[0]!.errorCode;
}

async function createOffsets(world: ClusterWorld): Promise<void> {
  const { controller } = world.bystander.member.metadata;
  expect(await controller.createOffsetsTopic({})).toMatchObject({ errorCode: ErrorCode.NONE });
}

/** How long it took, rounded to hide the latency of messages. */
async function refused(world: ClusterWorld): Promise<number> {
  const sinceMs = world.time.monotonicMs();
  const errorCode = await world.run(createTopic(world, 3));
  expect(errorCode).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
  return Math.floor((world.time.monotonicMs() - sinceMs) / 1_000) * 1_000;
}

function clusterIds(world: ClusterWorld): string[] {
  return world.brokers.map(({ member }) => member.metadata.clusterId);
}

async function copyIdFile(from: ClusterWorld, to: ClusterWorld["brokers"][number]["fs"]) {
  const bytes = await from.broker(3).fs.readFile("/data-3/cluster-id");
  await to.makeDirectory("/data-3");
  const file = await to.open("/data-3/cluster-id", { create: true });
  await file.write([bytes!], 0);
  await file.close();
}
