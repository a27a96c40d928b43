/**
 * UpdateFeatures, versions 0-2.
 *
 * - v0: baseline, flexible (KIP-584)
 * - v1: validate only; upgrade types instead of a downgrade flag (KIP-778)
 * - v2: one result for all features (KIP-1022)
 */
import { api, array, bool, i8, i16, i32, string } from "../schema.ts";

export const UpdateFeatures = api({
  key: 57,
  name: "UpdateFeatures",
  versions: "0-2",
  flexible: "0+",
  request: {
    timeoutMs: i32.default(60000),
    featureUpdates: array({
      feature: string,
      maxVersionLevel: i16,
      allowDowngrade: bool.in("0"),
      upgradeType: i8.default(1).in("1+"),
    }),
    validateOnly: bool.default(false).in("1+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable(),
    results: array({
      feature: string,
      errorCode: i16,
      errorMessage: string.nullable(),
    }).in("0-1"),
  },
});
