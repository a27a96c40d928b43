/**
 * RegisterBrokerRecord, versions 0-4: a broker has registered, with its endpoints and features.
 *
 * - v0: baseline
 * - v1: controlled shutdown
 * - v2: migration from ZooKeeper
 * - v3: log directories (KIP-858)
 * - v4: cordoned log directories (KIP-1066)
 */
import { array, bool, i16, i32, offset, record, string, u16, uuid } from "../schema.ts";

export const RegisterBrokerRecord = record({
  key: 0,
  name: "RegisterBrokerRecord",
  versions: "0-4",
  flexible: "0+",
  fields: {
    brokerId: i32,
    isMigratingZkBroker: bool.default(false).in("2+"),
    incarnationId: uuid,
    brokerEpoch: offset,
    endPoints: array({
      name: string,
      host: string,
      port: u16,
      securityProtocol: i16,
    }),
    features: array({
      name: string,
      minSupportedVersion: i16,
      maxSupportedVersion: i16,
    }),
    rack: string.nullable(),
    fenced: bool.default(true),
    inControlledShutdown: bool.default(false).in("1+"),
    logDirs: array(uuid).tag(0, "3+"),
    cordonedLogDirs: array(uuid).nullable().default(null).tag(1, "4+"),
  },
});
