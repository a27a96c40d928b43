/**
 * BrokerHeartbeat, told to all brokers several times a second.
 *
 * - v0: baseline; what comes later is a tagged field
 *
 * In Kafka a broker tells its controller alone (BrokerHeartbeat, key 63).
 */
import { array, bool, i32, offset, record, string } from "@tarpan/protocol";

export const BrokerHeartbeat = record({
  key: 10_000,
  name: "BrokerHeartbeat",
  versions: "0",
  flexible: "0+",
  fields: {
    brokerId: i32,
    /** Empty for a broker that is leaving. */
    incarnationId: string,
    /** -1 for a broker that is not the controller. */
    controllerEpoch: i32,
    metadataEnd: offset,
    clusterId: string.nullable(),
    followerRead: bool,
    nodeName: string.nullable().default(null).tag(0, "0+"),
    /** Told by the controller: the brokers whose servers hold the metadata's log. */
    metadataReplicas: array(i32).tag(1, "0+"),
  },
});
