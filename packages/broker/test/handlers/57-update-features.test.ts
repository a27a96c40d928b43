import {
  ApiVersions,
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  ErrorCode,
  InitProducerId,
  UpdateFeatures,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { UpgradeType } from "../../src/metadata/decide-update-features.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { brokerWithoutStorage } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const GROUP = "group.version";
const TRANSACTION = "transaction.version";
const { upgrade, safeDowngrade } = UpgradeType;
const { NONE, INVALID_UPDATE_VERSION, UNSUPPORTED_VERSION } = ErrorCode;

function update(
  broker: WholeBroker,
  levels: Readonly<Record<string, number>>,
  {
    version = 2,
    upgradeType = upgrade as number,
    validateOnly = false,
    allowDowngrade = false,
  } = {},
) {
  const featureUpdates = Object.entries(levels).map(([feature, maxVersionLevel]) => {
    return { feature, maxVersionLevel, upgradeType, allowDowngrade };
  });
  return broker.call(UpdateFeatures, version, { featureUpdates, validateOnly });
}

async function told(broker: WholeBroker) {
  const software = { clientSoftwareName: "t", clientSoftwareVersion: "1" };
  const answer = await broker.call(ApiVersions, 4, software);
  const { finalizedFeatures: all, finalizedFeaturesEpoch: epoch } = answer;
  const levels = Object.fromEntries(all.map((one) => [one.name, one.maxVersionLevel]));
  return { levels, epoch };
}

it("clients are told the new levels, with a larger epoch", async () => {
  const broker = await WholeBroker.start();
  const before = await told(broker);
  expect(before.levels).toMatchObject({ [GROUP]: 1, [TRANSACTION]: 2 });
  const down = { upgradeType: safeDowngrade };
  const answer = await update(broker, { [GROUP]: 0, [TRANSACTION]: 1 }, down);
  expect(answer).toMatchObject({ errorCode: NONE, errorMessage: null, results: [] });
  const after = await told(broker);
  // A feature at level 0 is not finalized.
  expect(Object.keys(after.levels)).not.toContain("group.version");
  expect(after.levels[TRANSACTION]).toBe(1);
  expect(after.epoch).toBeGreaterThan(before.epoch);
  expect((await update(broker, { [GROUP]: 1 })).errorCode).toBe(NONE);
  const last = await told(broker);
  expect(last.levels[GROUP]).toBe(1);
  expect(last.epoch).toBeGreaterThan(after.epoch);
});

it("until version 1 each feature has a result, unless the whole request failed", async () => {
  const broker = await WholeBroker.start();
  const down = { upgradeType: safeDowngrade };
  const done = await update(broker, { [GROUP]: 0, [TRANSACTION]: 0 }, { version: 1, ...down });
  expect(done.errorCode).toBe(NONE);
  const result = { errorCode: NONE, errorMessage: null };
  expect(done.results).toEqual([
    { feature: GROUP, ...result },
    { feature: TRANSACTION, ...result },
  ]);
  for (const version of [0, 1, 2]) {
    const refused = await update(broker, { [GROUP]: 1, none: 1 }, { version });
    expect(refused).toMatchObject({ errorCode: INVALID_UPDATE_VERSION, results: [] });
    expect(refused.errorMessage).toContain("none");
  }
  expect((await told(broker)).levels).not.toHaveProperty(GROUP);
});

it("version 0 allows a downgrade by its flag", async () => {
  const broker = await WholeBroker.start();
  const without = await update(broker, { [GROUP]: 0 }, { version: 0 });
  expect(without.errorCode).toBe(INVALID_UPDATE_VERSION);
  const allowed = await update(broker, { [GROUP]: 0 }, { version: 0, allowDowngrade: true });
  expect(allowed).toMatchObject({
    errorCode: NONE,
    results: [{ feature: GROUP, errorCode: NONE }],
  });
});

it("a request that only asks changes nothing", async () => {
  const broker = await WholeBroker.start();
  const before = await told(broker);
  const asked = { upgradeType: safeDowngrade, validateOnly: true };
  expect((await update(broker, { [GROUP]: 0 }, asked)).errorCode).toBe(NONE);
  expect(await told(broker)).toEqual(before);
});

it("group.version 0 turns off the consumer protocol, until it is 1 again", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  const join = () =>
    broker.call(ConsumerGroupHeartbeat, 1, {
      ...{ groupId: "g", memberId: "m", memberEpoch: 0, rebalanceTimeoutMs: 10_000 },
      ...{ subscribedTopicNames: ["t"], topicPartitions: [] },
    });
  const describe = async () => {
    const request = { groupIds: ["g", "h"], includeAuthorizedOperations: false };
    const { groups } = await broker.call(ConsumerGroupDescribe, 1, request);
    return groups.map(({ errorCode }) => errorCode);
  };
  await update(broker, { [GROUP]: 0 }, { upgradeType: safeDowngrade });
  expect((await join()).errorCode).toBe(UNSUPPORTED_VERSION);
  expect(await describe()).toEqual([UNSUPPORTED_VERSION, UNSUPPORTED_VERSION]);
  await update(broker, { [GROUP]: 1 });
  expect((await join()).errorCode).not.toBe(UNSUPPORTED_VERSION);
  expect(await describe()).not.toContain(UNSUPPORTED_VERSION);
});

it("a level is kept when the broker starts again", async () => {
  const files = new MemoryFiles();
  const first = await WholeBroker.startWith({ files });
  const down = { upgradeType: safeDowngrade };
  await update(first, { [GROUP]: 0, [TRANSACTION]: 1 }, down);
  const before = await told(first);
  await first.stop();
  const again = await told(await WholeBroker.startWith({ files }));
  expect(again.levels).toEqual(before.levels);
  expect(again.epoch).toBeGreaterThan(before.epoch);
});

it("is refused when it can't be stored", async () => {
  const { errorCode } = await update(await brokerWithoutStorage(), { [TRANSACTION]: 2 });
  expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
});

it("producers of an older transaction.version are still served", async () => {
  const broker = await WholeBroker.start();
  await update(broker, { [TRANSACTION]: 0 }, { upgradeType: safeDowngrade });
  const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
  expect((await broker.call(InitProducerId, 4, request)).errorCode).toBe(NONE);
});
