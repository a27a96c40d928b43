import { decodeMetadataRecord, encodeMetadataRecord, metadataRecords } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import { clientQuotaRecord } from "../../src/metadata/records.ts";

const USER = [{ entityType: "user", entityName: "a" }];
const BOTH = [{ entityType: "client-id", entityName: null }, ...USER];

it("quotas survive a snapshot", () => {
  const image = applyMetadata(EMPTY_IMAGE, [
    clientQuotaRecord(USER, "producer_byte_rate", 1.5),
    clientQuotaRecord([...BOTH].reverse(), "consumer_byte_rate", 2),
    clientQuotaRecord(BOTH, "request_percentage", 3),
    clientQuotaRecord([{ entityType: "ip", entityName: null }], "connection_creation_rate", 4),
    clientQuotaRecord([{ entityType: "ip", entityName: null }], "connection_creation_rate", null),
  ]);
  expect([...image.quotas.values()]).toEqual([
    { entity: USER, values: new Map([["producer_byte_rate", 1.5]]) },
    {
      entity: BOTH,
      values: new Map([
        ["consumer_byte_rate", 2],
        ["request_percentage", 3],
      ]),
    },
  ]);
  const records = [...metadataMachine.snapshot(image)].flat();
  const replayed = applyMetadata(
    EMPTY_IMAGE,
    records.map((record) => metadataMachine.decode(metadataMachine.encode(record))!),
  );
  expect(new Map(replayed.quotas)).toEqual(new Map(image.quotas));
});

it("a quota is a record of Kafka's", () => {
  const quota = { entity: USER, key: "k", value: 1.5, remove: false };
  const bytes = encodeMetadataRecord(metadataRecords.ClientQuotaRecord, 0, quota);
  const entity = "02 0575736572 0261 00";
  const expected = `01 0e 00 ${entity} 026b 3ff8000000000000 00 00`.replaceAll(" ", "");
  expect(Buffer.from(bytes).toString("hex")).toBe(expected);
  expect(decodeMetadataRecord(bytes).value).toEqual(quota);
});
