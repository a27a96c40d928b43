import { ApiVersions, ErrorCode, UpdateFeatures } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { UpgradeType } from "../../src/metadata/decide-update-features.ts";
import { call, settledWorld } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

it("the level of a feature is the cluster's, and outlives its controller", async () => {
  const world = await settledWorld();
  const told = (broker: SimulatedBroker) => {
    const software = { clientSoftwareName: "t", clientSoftwareVersion: "1" };
    return world.run(call(broker, ApiVersions, 5, software));
  };
  const update = (feature: string, maxVersionLevel: number, upgradeType: number) => {
    const featureUpdates = [{ feature, maxVersionLevel, upgradeType }];
    return world.run(
      call(world.bystander, UpdateFeatures, 2, { featureUpdates, timeoutMs: 9_000 }),
    );
  };
  const before = await told(world.broker(1));
  const { safeDowngrade, upgrade } = UpgradeType;
  expect((await update("group.version", 0, safeDowngrade)).errorCode).toBe(ErrorCode.NONE);
  const refused = await update("transaction.version", 3, upgrade);
  expect(refused.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
  const levels = () => world.serving.map((one) => one.member.metadata.groupVersion);
  await world.until("all know it", () => levels().every((level) => level === 0));

  // Whoever is the controller next registers this broker again.
  const { controller } = world;
  controller.kill();
  await world.until("there is another", () => world.serving.length === 2);
  controller.start();
  await world.settled();
  expect(levels()).toEqual([0, 0, 0]);
  for (const broker of world.serving) {
    const { finalizedFeatures, finalizedFeaturesEpoch } = await told(broker);
    expect(finalizedFeatures.map(({ name }) => name)).not.toContain("group.version");
    expect(finalizedFeaturesEpoch).toBeGreaterThan(before.finalizedFeaturesEpoch);
  }
  world.check();
});
