/**
 * AlterClientQuotas, versions 0-1.
 *
 * - v0: baseline (KIP-546)
 * - v1: flexible
 */
import { api, array, bool, f64, i16, i32, string } from "../schema.ts";

export const AlterClientQuotas = api({
  key: 49,
  name: "AlterClientQuotas",
  versions: "0-1",
  flexible: "1+",
  request: {
    entries: array({
      entity: array({
        entityType: string,
        entityName: string.nullable(),
      }),
      ops: array({
        key: string,
        value: f64,
        remove: bool,
      }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32.default(0),
    entries: array({
      errorCode: i16,
      errorMessage: string.nullable(),
      entity: array({
        entityType: string,
        entityName: string.nullable(),
      }),
    }),
  },
});
