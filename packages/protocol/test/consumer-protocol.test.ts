import { describe, expect, it } from "vitest";
import {
  decodeConsumerAssignment,
  decodeConsumerSubscription,
  encodeConsumerAssignment,
  encodeConsumerSubscription,
  ProtocolError,
} from "../src/index.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const TOPICS = "00000001 0001 74";
const NO_USER_DATA = "ffffffff";
const OWNED = "00000001 0001 74 00000001 00000003";

const subscription = {
  topics: ["t"],
  userData: null,
  ownedPartitions: [{ topic: "t", partitions: [3] }],
  generationId: 5,
  rackId: "r",
};
const VERSIONS = [
  [0, "", { ownedPartitions: [], generationId: -1, rackId: null }],
  [1, OWNED, { generationId: -1, rackId: null }],
  [2, `${OWNED} 00000005`, { rackId: null }],
  [3, `${OWNED} 00000005 0001 72`, {}],
] as const;

describe("the consumer protocol", () => {
  it.each(VERSIONS)("a subscription of version %i", (version, rest, fields) => {
    const encoded = encodeConsumerSubscription(subscription, version);
    const expected = `000${version} ${TOPICS} ${NO_USER_DATA} ${rest}`;
    expect(hex(encoded)).toBe(expected.replaceAll(" ", ""));
    expect(decodeConsumerSubscription(encoded)).toEqual({ ...subscription, ...fields });
  });

  it.each([0, 1, 2, 3])("an assignment of version %i", (version) => {
    const assignment = {
      assignedPartitions: [{ topic: "t", partitions: [3] }],
      userData: bytesOf("aabb"),
    };
    const encoded = encodeConsumerAssignment(assignment, version);
    expect(hex(encoded)).toBe(`000${version} ${OWNED} 00000002 aabb`.replaceAll(" ", ""));
    expect(decodeConsumerAssignment(encoded)).toEqual(assignment);
  });

  it("reads the known fields of a newer version", () => {
    const newer = bytesOf(`0009 ${TOPICS} ${NO_USER_DATA} ${OWNED} 00000005 0001 72 0102030405`);
    expect(decodeConsumerSubscription(newer)).toEqual(subscription);
  });

  it.each(["", "00", "ffff", "8000 00000000", "0000 00000001", `0000 7fffffff ${"00".repeat(9)}`])(
    "refuses %j",
    (text) => {
      expect(() => decodeConsumerSubscription(bytesOf(text))).toThrow(ProtocolError);
      expect(() => decodeConsumerAssignment(bytesOf(text))).toThrow(ProtocolError);
    },
  );
});
