/**
 * AlterConfigs, versions 0-2.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: flexible
 *
 * Replaces a resource's whole configuration; IncrementalAlterConfigs changes single keys.
 */
import { api, array, bool, i8, i16, i32, string } from "../schema.ts";

export const AlterConfigs = api({
  key: 33,
  name: "AlterConfigs",
  versions: "0-2",
  flexible: "2+",
  request: {
    resources: array({
      resourceType: i8,
      resourceName: string,
      configs: array({
        name: string,
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
