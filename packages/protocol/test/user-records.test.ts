import { expect, test } from "vitest";
import { decodeMetadataRecord, encodeMetadataRecord, metadataRecords } from "../src/index.ts";

const { UserScramCredentialRecord, RemoveUserScramCredentialRecord } = metadataRecords;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("a SCRAM credential and its end are records of Kafka's", () => {
  const credential = {
    ...{ name: "a", mechanism: 2, iterations: 4_096, salt: Uint8Array.of(1, 2) },
    ...{ storedKey: Uint8Array.of(3), serverKey: Uint8Array.of(4) },
  };
  const bytes = encodeMetadataRecord(UserScramCredentialRecord, 0, credential);
  expect(hex(bytes)).toBe("01 0b 00 0261 02 030102 0203 0204 00001000 00".replaceAll(" ", ""));
  expect(decodeMetadataRecord(bytes).value).toEqual(credential);
  const ended = { name: "a", mechanism: 1 };
  const removed = encodeMetadataRecord(RemoveUserScramCredentialRecord, 0, ended);
  expect(hex(removed)).toBe("01160002610100");
});
