import { type MetadataRecordName, metadataRecords } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { SUPPORTED_FEATURES } from "../../src/metadata/features.ts";
import { LATEST_LEVEL, levelOfRecord, METADATA_LEVEL } from "../../src/metadata/record-levels.ts";
import * as made from "../../src/metadata/records.ts";

const ID = "00010203-0405-0607-0809-0a0b0c0d0e0f";
const PARTITION = {
  ...{ replicas: [1, 2], isr: [1], adding: [2], removing: [] },
  ...{ leader: 1, leaderEpoch: 5, partitionEpoch: 6 },
};
const CREDENTIAL = {
  ...{ salt: Uint8Array.of(1), storedKey: Uint8Array.of(2), serverKey: Uint8Array.of(3) },
  iterations: 4_096,
};
const BROKER = {
  ...{ id: 1, epoch: 2, incarnationId: ID, host: "h", port: 9092, rack: "r", fenced: false },
  features: [{ name: "f", minVersion: 1, maxVersion: 2 }],
};
const ACL = {
  ...{ resourceType: 2, resourceName: "t", patternType: 3, principal: "User:u", host: "*" },
  ...{ operation: 3, permissionType: 3 },
};
const ALICE = [{ entityType: "user", entityName: "alice" }];

type Written = readonly [level: number, record: made.MetadataRecord, bytes: string];

/**
 * What is written of each kind, with every field that has a meaning, byte for byte. It must stay as
 * it is: older releases of the same level read it. A new kind, a newer version of one and a new
 * field have a new level, with a row here; record-levels.ts says more.
 */
const WRITTEN: Readonly<Record<MetadataRecordName, Written>> = {
  RegisterBrokerRecord: [
    1,
    made.registerBrokerRecord(BROKER),
    "AQAAAAAAAQABAgMEBQYHCAkKCwwNDg8AAAAAAAAAAgIKUExBSU5URVhUAmgjhAAAAAICZgABAAIAAnIAAA==",
  ],
  UnregisterBrokerRecord: [1, made.unregisterBrokerRecord(BROKER), "AQEAAAAAAQAAAAAAAAACAA=="],
  TopicRecord: [1, made.topicRecord("t", ID), "AQIAAnQAAQIDBAUGBwgJCgsMDQ4PAA=="],
  PartitionRecord: [
    1,
    made.partitionRecord(ID, 3, PARTITION),
    "AQMAAAAAAwABAgMEBQYHCAkKCwwNDg8DAAAAAQAAAAICAAAAAQECAAAAAgAAAAEAAAAFAAAABgA=",
  ],
  ConfigRecord: [
    1,
    made.configRecord(2, "t", "retention.ms", "1"),
    "AQQAAgJ0DXJldGVudGlvbi5tcwIxAA==",
  ],
  PartitionChangeRecord: [
    1,
    made.partitionChangeRecord(ID, 3, PARTITION),
    "AQUAAAAAAwABAgMEBQYHCAkKCwwNDg8FAAUCAAAAAQEEAAAAAQIJAwAAAAEAAAACAwEBBAUCAAAAAg==",
  ],
  RemoveTopicRecord: [1, made.removeTopicRecord(ID), "AQkAAAECAwQFBgcICQoLDA0ODwA="],
  FeatureLevelRecord: [1, made.featureRecord("f", 2), "AQwAAmYAAgA="],
  ProducerIdsRecord: [1, made.producerIdsRecord(1, 2_000), "AQ8AAAAAAf//////////AAAAAAAAB9AA"],
  AccessControlEntryRecord: [
    2,
    made.aclRecord(ID, ACL),
    "ARIAAAECAwQFBgcICQoLDA0ODwICdAMHVXNlcjp1AioDAwA=",
  ],
  RemoveAccessControlEntryRecord: [2, made.removeAclRecord(ID), "ARMAAAECAwQFBgcICQoLDA0ODwA="],
  UserScramCredentialRecord: [
    3,
    made.scramCredentialRecord("u", "SCRAM-SHA-256", CREDENTIAL),
    "AQsAAnUBAgECAgIDAAAQAAA=",
  ],
  RemoveUserScramCredentialRecord: [3, made.removeScramCredentialRecord("u", 1), "ARYAAnUBAA=="],
  ClientQuotaRecord: [
    4,
    made.clientQuotaRecord(ALICE, "producer_byte_rate", 1.5),
    "AQ4AAgV1c2VyBmFsaWNlABNwcm9kdWNlcl9ieXRlX3JhdGU/+AAAAAAAAAAA",
  ],
};

it.each(Object.entries(WRITTEN))("%s has a level, and is written as before", (name, written) => {
  const [level, record, bytes] = written;
  expect(record.record).toBe(name);
  expect(levelOfRecord(record)).toBe(level);
  expect(Buffer.from(made.encodeRecord(record).value!).toString("base64")).toBe(bytes);
});

it("every kind of record has a level, and the highest is what a broker tells", () => {
  expect(Object.keys(WRITTEN).sort()).toEqual(Object.keys(metadataRecords).sort());
  const levels = Object.values(WRITTEN).map(([level]) => level);
  expect(Math.max(...levels)).toBe(LATEST_LEVEL);
  expect(SUPPORTED_FEATURES).toContainEqual({
    ...{ name: METADATA_LEVEL, minVersion: 1, maxVersion: LATEST_LEVEL },
  });
});
