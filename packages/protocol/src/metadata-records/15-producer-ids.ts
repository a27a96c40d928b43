/**
 * ProducerIdsRecord, version 0: the block of producer ids before `nextProducerId` is handed out to
 * a broker.
 */
import { i32, offset, record } from "../schema.ts";

export const ProducerIdsRecord = record({
  key: 15,
  name: "ProducerIdsRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    brokerId: i32,
    brokerEpoch: offset.default(-1),
    nextProducerId: offset,
  },
});
