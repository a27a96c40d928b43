import { AlterClientQuotas, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { SUPPORTED_FEATURES, type SupportedFeature } from "../../src/metadata/features.ts";
import { sharedLevel, writtenLevel } from "../../src/metadata/metadata-level.ts";
import { METADATA_LEVEL } from "../../src/metadata/record-levels.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { call, create, settledWorld } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const ENTITY = [{ entityType: "user", entityName: "alice" }];
const UNTOLD = SUPPORTED_FEATURES.filter(({ name }) => name !== METADATA_LEVEL);

/** Registers a running broker anew, with what a broker of another release tells. */
async function tell(
  world: ClusterWorld,
  { id, member }: SimulatedBroker,
  features: readonly SupportedFeature[],
): Promise<void> {
  const { epoch: _, fenced: __, ...known } = member.metadata.image.brokers.get(id)!;
  const registration = { endPoints: null, ...known, features, unclean: false, returning: true };
  await world.run(member.metadata.controller.registerBroker(registration));
}

function setQuota(world: ClusterWorld, at: SimulatedBroker) {
  const ops = [{ key: "request_percentage", value: 7, remove: false }];
  const request = { entries: [{ entity: ENTITY, ops }], validateOnly: false };
  return world.run(call(at, AlterClientQuotas, 1, request));
}

it("what one broker can't read waits until it is upgraded, whoever is the controller", async () => {
  const world = await settledWorld();
  const older = world.bystander;
  await tell(world, older, UNTOLD);
  const isRefused = async () => {
    for (const broker of world.serving) {
      const [refused] = (await setQuota(world, broker)).entries;
      expect(refused).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION, entity: ENTITY });
      expect(refused!.errorMessage).toContain(`broker ${older.id} is of a release without levels`);
    }
  };
  await isRefused();
  await create(world, "orders", 1, 3);
  world.controller.kill();
  await world.until("there is another", () => world.serving.length === 2);
  await world.settled();
  await isRefused();
  for (const broker of world.brokers) if (!broker.serves) broker.start();
  await world.settled();
  older.kill();
  await world.settled();
  await isRefused();

  older.start();
  await world.settled();
  expect(sharedLevel(older.member.metadata.image)).toBe(4);
  expect((await setQuota(world, older)).entries).toMatchObject([{ errorCode: ErrorCode.NONE }]);
  await world.settled();
  expect(world.serving.map(({ member }) => writtenLevel(member.metadata.image))).toEqual([4, 4, 4]);
  const said = world.lines.filter((line) => line.includes("the metadata is at level 4 now"));
  expect(said).toHaveLength(3);
  world.check();
});

it("a broker that can't read what was written does not register, and keeps its server", async () => {
  const world = await settledWorld();
  await setQuota(world, world.bystander);
  await world.settled();
  const broker = world.bystander;
  const features = [...UNTOLD, { name: METADATA_LEVEL, minVersion: 1, maxVersion: 3 }];
  await expect(tell(world, broker, features)).rejects.toMatchObject({
    code: "TARPAN_METADATA_TOO_NEW",
    message: expect.stringMatching(/is at level 4, and broker . reads up to level 3: start it/),
  });
  const said = world.lines.filter((line) => line.includes("can't register"));
  expect(said).toHaveLength(1);
  // Its server would be removed while the broker is down, if it were taken for a removed broker.
  broker.kill();
  await world.settled();
  await world.pass(30_000);
  broker.start();
  await world.settled();
  expect(world.lines.filter((line) => line.includes("was removed"))).toEqual([]);
  world.check();
});
