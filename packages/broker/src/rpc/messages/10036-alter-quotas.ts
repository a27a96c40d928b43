/**
 * AlterQuotas, version 0: quotas of users, clients and addresses are set and removed.
 *
 * - v0: baseline
 */
import { array, bool, f64, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

const entity = array({ entityType: string, entityName: string.nullable() });

export const AlterQuotas = controllerApi({
  key: 10_036,
  name: "AlterQuotas",
  versions: "0",
  request: {
    entries: array({
      entity,
      ops: array({ key: string, value: f64, remove: bool }),
    }),
    validateOnly: bool,
  },
  response: {
    results: array({ entity, ...outcome }),
  },
});
