import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { decideRegisterBroker } from "../../src/metadata/decide-broker.ts";
import { decideUpdateFeatures, UpgradeType } from "../../src/metadata/decide-update-features.ts";
import { SUPPORTED_FEATURES, type SupportedFeature } from "../../src/metadata/features.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import { sharedLevel, withinLevel, writtenLevel } from "../../src/metadata/metadata-level.ts";
import { LATEST_LEVEL, METADATA_LEVEL } from "../../src/metadata/record-levels.ts";
import * as made from "../../src/metadata/records.ts";
import { replayFrom } from "../../src/state-machine/replay.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { cluster, type History, incarnationOf } from "./cluster.ts";
import { openMetadata } from "./support.ts";

const ID = "00010203-0405-0607-0809-0a0b0c0d0e0f";
const CREDENTIAL = {
  ...{ salt: Uint8Array.of(1), storedKey: Uint8Array.of(2), serverKey: Uint8Array.of(3) },
  iterations: 4_096,
};
const ACL = {
  ...{ resourceType: 2, resourceName: "t", patternType: 3, principal: "User:u", host: "*" },
  ...{ operation: 3, permissionType: 3 },
};
const ALICE = [{ entityType: "user", entityName: "alice" }];
const SALTED = { salt: Uint8Array.of(1, 2), saltedPassword: new Uint8Array(32) };

/** What a broker registers whose release reads up to this level; null: it does not tell. */
function featuresAt(level: number | null): readonly SupportedFeature[] {
  const others = SUPPORTED_FEATURES.filter(({ name }) => name !== METADATA_LEVEL);
  if (level === null) return others;
  return [...others, { name: METADATA_LEVEL, minVersion: 1, maxVersion: level }];
}

/** A cluster whose brokers, from id 1 on, read up to these levels. */
function clusterAt(...levels: readonly (number | null)[]): History {
  const history = cluster([]);
  for (const [index, level] of levels.entries()) {
    history.features = featuresAt(level);
    history.register(index + 1);
  }
  return history;
}

const quota = made.clientQuotaRecord(ALICE, "producer_byte_rate", 1);
const acl = made.aclRecord(ID, ACL);

function writing(history: History, ...records: made.MetadataRecord[]): KafkaError | null {
  try {
    history.take({ records: withinLevel(history.image, records), response: undefined });
    return null;
  } catch (error) {
    if (error instanceof KafkaError) return error;
    throw error;
  }
}

describe("a record of a higher level", () => {
  it("is refused while a registered broker can't read it, also one that is down", () => {
    const history = clusterAt(4, 3, null);
    history.fence(2, 3);
    const { length } = history.records;
    const refusal = writing(history, made.topicRecord("t", ID), quota);
    expect(refusal?.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(refusal?.message).toBe(
      "nothing was changed: quotas need level 4 of the metadata, but broker 2 reads up to level " +
        "3, broker 3 is of a release without levels: upgrade and restart them first, or remove " +
        "them for good (tarpan cluster remove)",
    );
    expect(history.records).toHaveLength(length);
    expect(sharedLevel(history.image)).toBe(1);
  });

  it("is written, after its level, when the last broker was upgraded", () => {
    const history = clusterAt(4, 4, null);
    history.features = featuresAt(4);
    history.register(3, incarnationOf(3, 1));
    expect(sharedLevel(history.image)).toBe(4);
    expect(writing(history, acl)).toBeNull();
    expect(history.records.slice(-2)).toEqual([made.featureRecord(METADATA_LEVEL, 2), acl]);
    expect(writing(history, quota)).toBeNull();
    expect(writing(history, quota)).toBeNull();
    expect(history.records.slice(-3)).toEqual([
      ...[made.featureRecord(METADATA_LEVEL, 4), quota, quota],
    ]);
  });

  it("is written when the broker that could not read it was removed", () => {
    const history = clusterAt(4, null);
    expect(writing(history, acl)).not.toBeNull();
    const gone = history.image.brokers.get(2)!;
    history.take({ records: [made.unregisterBrokerRecord(gone)], response: undefined });
    expect(writing(history, acl)).toBeNull();
  });

  it("is written at once where one of its level was written before, whoever has registered", () => {
    const history = clusterAt(4, null);
    // As a release without levels writes it.
    history.take({ records: [quota], response: undefined });
    expect(writtenLevel(history.image)).toBe(4);
    expect(writing(history, quota, acl)).toBeNull();
    expect(history.records.slice(-2)).toEqual([quota, acl]);
  });
});

describe("the level", () => {
  it("begins at the lowest, outlives what needed it, and stands first in a snapshot", () => {
    const history = clusterAt(4);
    expect(history.image.features.get(METADATA_LEVEL)).toBe(1);
    writing(history, acl);
    writing(history, made.removeAclRecord(ID));
    expect(writtenLevel(history.image)).toBe(2);
    const snapshot = [...metadataMachine.snapshot(history.image)].flat();
    expect(applyMetadata(EMPTY_IMAGE, snapshot).features).toEqual(history.image.features);
    const names = snapshot.map(({ record }) => record);
    expect(names.lastIndexOf("FeatureLevelRecord")).toBeLessThan(
      names.indexOf("RegisterBrokerRecord"),
    );
  });

  it("can be raised by UpdateFeatures when all brokers read it, and never goes down", () => {
    const history = clusterAt(4, 3);
    const update = (level: number, upgradeType: number) => {
      const updates = [{ name: METADATA_LEVEL, level, upgradeType }];
      const request = { updates, validateOnly: false, timeoutMs: 1_000 };
      return history.take(decideUpdateFeatures(history.image, request)).errorMessage;
    };
    expect(update(4, UpgradeType.upgrade)).toContain("broker 2 supports levels 1 to 3");
    expect(update(3, UpgradeType.upgrade)).toBeNull();
    expect(update(2, UpgradeType.unsafeDowngrade)).toContain("could not read the metadata");
    expect(writtenLevel(history.image)).toBe(3);
  });

  it("above that of this release is refused, with what to do, and so is an unknown kind", () => {
    const code = "TARPAN_METADATA_TOO_NEW";
    const next = made.featureRecord(METADATA_LEVEL, LATEST_LEVEL + 1);
    const applying = () => applyMetadata(EMPTY_IMAGE, [next]);
    expect(applying).toThrow(expect.objectContaining({ code }));
    expect(applying).toThrow(/at level 5, .* reads the metadata up to level 4: a newer release/);
    const unknown = { key: null, value: Uint8Array.of(1, 99, 0) };
    const decoding = () => made.decodeRecord(unknown);
    expect(decoding).toThrow(expect.objectContaining({ code }));
    expect(decoding).toThrow(/a metadata record of unknown kind 99, and this release reads/);
  });
});

describe("a broker registers", () => {
  const registering = ({ image }: Pick<History, "image">, level: number | null) => {
    const at = { host: "h", port: 9092, rack: null, unclean: false };
    const broker = { id: 2, incarnationId: incarnationOf(2, 7), ...at };
    const options = { clustered: true };
    const features = featuresAt(level);
    return decideRegisterBroker(image, { ...broker, features }, options);
  };

  it("unless it can't read what was written", () => {
    const history = clusterAt(4);
    expect(registering(history, 2).response.errorCode).toBe(0);
    writing(history, quota);
    const { records, response } = registering(history, 3);
    expect(records).toEqual([]);
    expect(response.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(response.errorMessage).toMatch(/at level 4, and broker 2 reads up to level 3: start it/);
    // It has read the metadata by then, so it can.
    expect(registering(history, null).response.errorCode).toBe(0);
  });

  it("unless its release can't even tell, and has no such level", () => {
    const history = clusterAt(5);
    const features = new Map(history.image.features).set(METADATA_LEVEL, 5);
    const later = { image: { ...history.image, features } };
    expect(registering(later, null).response.errorMessage).toContain("a release without levels");
    expect(registering(later, 5).response.errorCode).toBe(0);
  });
});

describe("the controller", () => {
  it("writes nothing that a registered broker can't read, and answers why", async () => {
    const { metadata, log } = await openMetadata();
    const at = { host: "h", port: 9092, rack: null, endPoints: null, unclean: false };
    const older = { id: 2, incarnationId: incarnationOf(2), ...at, returning: false };
    const { controller } = metadata;
    await controller.registerBroker({ ...older, features: featuresAt(null) });
    const endOffset = log.endOffset;
    const refused = { errorCode: ErrorCode.UNSUPPORTED_VERSION };
    const upsertion = { name: "alice", mechanism: 1, iterations: 4_096, ...SALTED };
    const user = { deletions: [], upsertions: [upsertion] };
    const entry = { entity: ALICE, ops: [{ key: "producer_byte_rate", value: 1, remove: false }] };
    const quotas = { entries: [entry], validateOnly: false };
    expect((await controller.createAcls({ acls: [ACL] })).results).toMatchObject([refused]);
    expect((await controller.alterUsers(user)).results).toMatchObject([refused]);
    expect((await controller.alterQuotas(quotas)).results).toMatchObject([refused]);
    expect(log.endOffset).toBe(endOffset);

    await controller.registerBroker({ ...older, features: SUPPORTED_FEATURES });
    expect((await controller.createAcls({ acls: [ACL] })).results).toMatchObject([
      { errorCode: 0 },
    ]);
    expect((await controller.alterUsers(user)).results).toMatchObject([{ errorCode: 0 }]);
    expect((await controller.alterQuotas(quotas)).results).toMatchObject([{ errorCode: 0 }]);
    expect(writtenLevel(metadata.image)).toBe(4);
  });

  it("founds a cluster with the level of what it begins with", async () => {
    const records = [made.scramCredentialRecord("admin", "SCRAM-SHA-256", CREDENTIAL)];
    const founding = { problem: null, take: () => records };
    const { metadata, log } = await openMetadata({ founding });
    expect(writtenLevel(metadata.image)).toBe(3);
    const seen: made.MetadataRecord[] = [];
    const reading = {
      ...metadataMachine,
      apply: (_: unknown, all: typeof seen) => seen.push(...all),
    };
    await replayFrom(reading as never, log, { state: null, offset: 0 });
    expect(seen.slice(0, 2)).toEqual([made.featureRecord(METADATA_LEVEL, 3), ...records]);
  });
});
