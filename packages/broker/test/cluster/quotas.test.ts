import {
  AlterClientQuotas,
  CreateTopics,
  DescribeClientQuotas,
  ErrorCode,
  Heartbeat,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { TakeMutations } from "../../src/rpc/messages/index.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { call } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

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

/** Three brokers, and a client that may create a partition a second. */
async function limitedWorld(): Promise<ClusterWorld> {
  const world = new ClusterWorld();
  await world.run(Promise.all(world.brokers.map((broker) => broker.start().serving)));
  await world.settled();
  const op = { key: "controller_mutation_rate", value: 1, remove: false };
  const request = { entries: [{ entity: ENTITY, ops: [op] }], validateOnly: false };
  await world.run(call(world.bystander, AlterClientQuotas, 1, request));
  await world.until("all know it", () =>
    world.serving.every(({ member }) => member.metadata.image.quotas.size === 1),
  );
  return world;
}

async function create(broker: SimulatedBroker, name: string, numPartitions: number) {
  const topics = [{ name, numPartitions, replicationFactor: -1, assignments: [], configs: [] }];
  const asked = { topics, timeoutMs: 1_000, validateOnly: false };
  const answer = await broker.world.run(call(broker, CreateTopics, 7, asked));
  return [answer.topics[0]!.errorCode, answer.throttleTimeMs > 0];
}

const CREATED = [ErrorCode.NONE, false];
const REFUSED = [ErrorCode.THROTTLING_QUOTA_EXCEEDED, true];

it("what a client creates is measured once, whichever brokers it asks", async () => {
  const world = await limitedWorld();
  // Eleven seconds of one each may be used at once, and each broker has used less.
  const [first, second] = world.serving;
  expect(await create(first!, "a", 6)).toEqual(CREATED);
  expect(await create(second!, "b", 10)).toEqual(CREATED);
  for (const broker of world.serving) expect(await create(broker, "c", 1)).toEqual(REFUSED);
  // The next controller has measured nothing yet.
  world.controller.kill();
  await world.until("there is another", () => world.serving.length === 2);
  await world.settled();
  expect(await create(world.bystander, "c", 1)).toEqual(CREATED);
  world.check();
});

it("a broker measures by itself while the controller is of an older release", async () => {
  const world = await limitedWorld();
  const { rpc } = world.controller.member;
  rpc.serve(TakeMutations, () => Promise.reject(new Error("not asked")))();
  const [asked, other] = world.serving.filter((broker) => broker !== world.controller);
  expect(await create(asked!, "a", 16)).toEqual(CREATED);
  expect(await create(asked!, "b", 1)).toEqual(REFUSED);
  expect(await create(other!, "b", 1)).toEqual(CREATED);
  world.check();
});
