import { describe, expect, it } from "vitest";
import { METADATA_LOG } from "../../src/cluster/metadata-log.ts";
import { streamNameOf } from "../../src/log/jetstream/stream-config.ts";
import { ClusterWorld } from "./cluster-world.ts";

const METADATA_STREAM = streamNameOf(METADATA_LOG);

describe("founding", () => {
  it("gives brokers that start together one cluster and one controller", async () => {
    const world = await ClusterWorld.started();
    await world.settled();
    expect(new Set(clusterIds(world)).size).toBe(1);
    expect(world.servers.replicasOf(METADATA_STREAM)).toEqual([1, 2, 3]);
    world.check();
  });

  it("gives one cluster to brokers that do not hear of each other", async () => {
    const world = new ClusterWorld();
    for (const broker of world.brokers) broker.start().bus.cut = true;
    await world.run(Promise.all(world.brokers.map(({ life }) => life!.joining)));
    for (const { life } of world.brokers) life!.bus.cut = false;
    await world.settled();
    expect(new Set(clusterIds(world)).size).toBe(1);
    world.check();
  });

  it("keeps the metadata's replicas while brokers that hold one have yet to register", async () => {
    const world = new ClusterWorld();
    const [first, ...others] = world.brokers;
    for (const broker of others) broker.start();
    // Heard, and slow: they can't read the metadata yet.
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

  it("waits for a cluster that others say there is, and does not found another", async () => {
    const world = await ClusterWorld.started({ brokers: 3 });
    await world.settled();
    const [clusterId] = clusterIds(world);
    const [first, second, third] = world.brokers;
    for (const broker of world.brokers) broker.kill();
    world.model.streams.delete(METADATA_STREAM);
    // One that has lost its disk starts first, and hears only of those that remember.
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

  it("ends a start that is told to stop while it waits", async () => {
    const world = new ClusterWorld();
    const { serving, stopping, link } = world.broker(1).start();
    link.cut = true;
    await world.pass(10_000);
    stopping.abort(new Error("stopped"));
    await expect(world.run(serving)).rejects.toThrow("stopped");
  });
});

function clusterIds(world: ClusterWorld): string[] {
  return world.brokers.map(({ member }) => member.metadata.clusterId);
}

async function copyIdFile(from: ClusterWorld, to: ClusterWorld["brokers"][number]["fs"]) {
  const bytes = await from.broker(3).fs.readFile("/data-3/cluster-id");
  await to.makeDirectory("/data-3");
  const file = await to.open("/data-3/cluster-id", { create: true });
  await file.write([bytes], 0);
  await file.close();
}
