import { expect, expectTypeOf, test } from "vitest";
import {
  AccessControlEntryRecord,
  decodeMetadataRecord,
  encodeMetadataRecord,
  metadataRecords,
  PartitionChangeRecord,
  ProtocolError,
  RemoveAccessControlEntryRecord,
  TopicRecord,
  UnregisterBrokerRecord,
} from "../src/index.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const TOPIC_ID = "00010203-0405-0607-0809-0a0b0c0d0e0f";

test("a record is framed by frame version, key and version", () => {
  const bytes = encodeMetadataRecord(TopicRecord, 0, { name: "t", topicId: TOPIC_ID });
  expect(hex(bytes)).toBe("01 02 00 0274 000102030405060708090a0b0c0d0e0f 00".replaceAll(" ", ""));
  const decoded = decodeMetadataRecord(bytes);
  expect(decoded).toEqual({
    record: "TopicRecord",
    version: 0,
    value: { name: "t", topicId: TOPIC_ID },
  });
  if (decoded.record === "TopicRecord") expectTypeOf(decoded.value.name).toEqualTypeOf<string>();
});

test("tags are sent in the order of their numbers, not of their fields", () => {
  const bytes = encodeMetadataRecord(PartitionChangeRecord, 2, {
    partitionId: 1,
    topicId: TOPIC_ID,
    leader: 3,
    directories: [],
    lastKnownElr: [4],
  });
  expect(hex(bytes)).toBe(
    "01 05 02 00000001 000102030405060708090a0b0c0d0e0f 03 01 04 00000003 07 05 02 00000004 08 01 01".replaceAll(
      " ",
      "",
    ),
  );
  expect(decodeMetadataRecord(bytes).value).toMatchObject({
    leader: 3,
    isr: null,
    directories: [],
  });
});

test("an ACL and its end are records of Kafka's", () => {
  const acl = { resourceType: 2, resourceName: "t", patternType: 3, principal: "User:a" };
  const entry = { id: TOPIC_ID, ...acl, host: "*", operation: 3, permissionType: 3 };
  const bytes = encodeMetadataRecord(AccessControlEntryRecord, 0, entry);
  const id = "000102030405060708090a0b0c0d0e0f";
  expect(hex(bytes)).toBe(
    `01 12 00 ${id} 02 0274 03 07557365723a61 022a 03 03 00`.replaceAll(" ", ""),
  );
  expect(decodeMetadataRecord(bytes).value).toEqual(entry);
  const removed = encodeMetadataRecord(RemoveAccessControlEntryRecord, 0, { id: TOPIC_ID });
  expect(hex(removed)).toBe(`011300${id}00`);
});

test.each([
  "",
  "00 02 00",
  "02 02 00",
  "01 7f 00",
  "01 02 01 0274",
  "01 02 00 0274",
  "01 ff ff ff ff ff",
])("%j is refused", (text) => {
  const bytes = Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
  expect(() => decodeMetadataRecord(bytes)).toThrow(ProtocolError);
});

test("bytes left over are refused", () => {
  const bytes = encodeMetadataRecord(UnregisterBrokerRecord, 0, { brokerId: 1, brokerEpoch: 2 });
  expect(() => decodeMetadataRecord(Uint8Array.of(...bytes, 0))).toThrow(/left over/);
});

test("names and keys are unique", () => {
  const records = Object.entries(metadataRecords);
  expect(records.map(([name]) => name)).toEqual(records.map(([, record]) => record.name));
  expect(new Set(records.map(([, record]) => record.key)).size).toBe(records.length);
});
