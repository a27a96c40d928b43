/**
 * UnregisterBrokerRecord, version 0: a broker was removed for good.
 */
import { i32, offset, record } from "../schema.ts";

export const UnregisterBrokerRecord = record({
  key: 1,
  name: "UnregisterBrokerRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    brokerId: i32,
    brokerEpoch: offset,
  },
});
