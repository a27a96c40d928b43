import { CreateAcls, DeleteAcls, ErrorCode, Heartbeat } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { STANDARD_AUTHORIZER } from "../../src/config/kafka/authorizer-configs.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { call } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const ANY = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 };
const CLIENT = { principal: "User:ANONYMOUS", host: "*", resourcePatternType: 3 };
/** The client may change ACLs, and a member of group g may beat. */
const ACLS = [
  { ...CLIENT, resourceType: 4, resourceName: "kafka-cluster", operation: 2, permissionType: 3 },
  { ...CLIENT, resourceType: 3, resourceName: "g", operation: 3, permissionType: 3 },
];

it("an ACL that one broker is asked to create counts on all, also after a start", async () => {
  const world = new ClusterWorld();
  Object.assign(world.kafkaConfigs, {
    "authorizer.class.name": STANDARD_AUTHORIZER,
    // Otherwise nobody could create the first ACL.
    "allow.everyone.if.no.acl.found": "true",
  });
  await world.run(Promise.all(world.brokers.map((broker) => broker.start().serving)));
  await world.settled();
  const beat = async (broker: SimulatedBroker, groupId: string) => {
    const request = { groupId, generationId: 1, memberId: "m" };
    const { errorCode } = await world.run(call(broker, Heartbeat, 4, request));
    return errorCode === ErrorCode.GROUP_AUTHORIZATION_FAILED;
  };
  const { bystander } = world;
  const deny = { ...ACLS[1]!, principal: "User:*", resourceName: "h", permissionType: 2 };
  const created = await world.run(call(bystander, CreateAcls, 3, { creations: [...ACLS, deny] }));
  expect(created.results.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
  const counts = () =>
    world.serving.every(({ member }) => member.metadata.image.acls.size === ACLS.length + 1);
  await world.until("all know them", counts);
  const expectDenied = async (isDenied: boolean) => {
    for (const broker of world.serving) {
      expect([await beat(broker, "g"), await beat(broker, "h")]).toEqual([false, isDenied]);
    }
  };
  await expectDenied(true);

  world.controller.kill();
  await world.until("there is another", () => world.serving.length === 2);
  for (const broker of world.brokers) if (!broker.serves) broker.start();
  await world.settled();
  await expectDenied(true);

  const filters = [{ ...ANY, resourceNameFilter: "h", principalFilter: null, hostFilter: null }];
  const deleted = await world.run(call(world.bystander, DeleteAcls, 3, { filters }));
  expect(deleted.filterResults[0]!.matchingAcls).toHaveLength(1);
  await world.until("all have deleted it", () =>
    world.serving.every(({ member }) => member.metadata.image.acls.size === ACLS.length),
  );
  await expectDenied(false);
  world.check();
});
