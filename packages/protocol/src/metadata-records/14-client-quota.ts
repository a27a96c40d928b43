/**
 * ClientQuotaRecord, version 0: a quota of users, clients or addresses is set or removed.
 */
import { array, bool, f64, record, string } from "../schema.ts";

export const ClientQuotaRecord = record({
  key: 14,
  name: "ClientQuotaRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    entity: array({
      entityType: string,
      entityName: string.nullable(),
    }),
    key: string,
    value: f64,
    remove: bool,
  },
});
