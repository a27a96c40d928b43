/**
 * DescribeClientQuotas, versions 0-1.
 *
 * - v0: baseline (KIP-546)
 * - v1: flexible
 */
import { api, array, bool, f64, i8, i16, i32, string } from "../schema.ts";

export const DescribeClientQuotas = api({
  key: 48,
  name: "DescribeClientQuotas",
  versions: "0-1",
  flexible: "1+",
  request: {
    components: array({
      entityType: string,
      matchType: i8,
      match: string.nullable(),
    }),
    strict: bool,
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable(),
    entries: array({
      entity: array({
        entityType: string,
        entityName: string.nullable(),
      }),
      values: array({
        key: string,
        value: f64,
      }),
    }).nullable(),
  },
});
