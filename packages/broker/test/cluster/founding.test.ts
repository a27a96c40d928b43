import { expect, it } from "vitest";
import { ClusterWorld } from "./cluster-world.ts";

it("gives brokers that start together one cluster and one controller", async () => {
  const world = await ClusterWorld.started();
  await world.settled();
  console.log(world.lines.join("\n"), world.time.monotonicMs());
  const ids = new Set(world.brokers.map(({ member }) => member.metadata.clusterId));
  expect(ids.size).toBe(1);
  expect(world.servers.replicasOf("tarpan-p-AAAAAAAAAAAAAAAAAAAAAQ-0")).toEqual([1, 2, 3]);
  world.check();
});
