import { AlterClientQuotas, DescribeClientQuotas, Heartbeat } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ClusterWorld } from "./cluster-world.ts";
import { call } from "./requests.ts";

const ENTITY = [{ entityType: "user", entityName: null }];

it("a quota that one broker is asked to set holds on all, also under the next controller", async () => {
  const world = new ClusterWorld();
  await world.run(Promise.all(world.brokers.map((broker) => broker.start().serving)));
  await world.settled();
  const set = async (value: number | null) => {
    const op = { key: "request_percentage", value: value ?? 0, remove: value === null };
    const request = { entries: [{ entity: ENTITY, ops: [op] }], validateOnly: false };
    const { entries } = await world.run(call(world.bystander, AlterClientQuotas, 1, request));
    expect(entries).toMatchObject([{ errorCode: 0, entity: ENTITY }]);
  };
  const told = async () => {
    const values = [];
    for (const broker of world.serving) {
      const request = { components: [], strict: false };
      const { entries } = await world.run(call(broker, DescribeClientQuotas, 1, request));
      values.push(entries!.map((entry) => entry.values[0]!.value));
    }
    return values;
  };
  await set(7);
  await world.until("all know it", () =>
    world.serving.every(({ member }) => member.metadata.image.quotas.size === 1),
  );
  expect(await told()).toEqual([[7], [7], [7]]);

  world.controller.kill();
  await world.until("there is another", () => world.serving.length === 2);
  for (const broker of world.brokers) if (!broker.serves) broker.start();
  await world.settled();
  expect(await told()).toEqual([[7], [7], [7]]);
  await set(null);
  await world.until("all have removed it", () =>
    world.serving.every(({ member }) => member.metadata.image.quotas.size === 0),
  );
  const beat = { groupId: "g", generationId: 1, memberId: "m" };
  expect(await world.run(call(world.bystander, Heartbeat, 4, beat))).toMatchObject({
    throttleTimeMs: 0,
  });
  world.check();
});
