/**
 * IncrementalAlterConfigs, versions 0-1.
 *
 * - v0: baseline (KIP-339)
 * - v1: flexible
 */
import { api, array, bool, i8, i16, i32, string } from "../schema.ts";

export const IncrementalAlterConfigs = api({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: "0-1",
  flexible: "1+",
  request: {
    resources: array({
      resourceType: i8,
      resourceName: string,
      configs: array({
        name: string,
        configOperation: i8,
        value: string.nullable(),
      }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32.default(0),
    responses: array({
      errorCode: i16,
      errorMessage: string.nullable(),
      resourceType: i8,
      resourceName: string,
    }),
  },
});
