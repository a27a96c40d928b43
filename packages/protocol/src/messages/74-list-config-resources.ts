/**
 * ListConfigResources, versions 0-1.
 *
 * - v0: lists client metrics resources only (KIP-714)
 * - v1: filter by resource type; types in the response (KIP-1142)
 */
import { api, array, i8, i16, i32, string } from "../schema.ts";

export const ListConfigResources = api({
  key: 74,
  name: "ListConfigResources",
  versions: "0-1",
  flexible: "0+",
  request: {
    resourceTypes: array(i8).in("1+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    configResources: array({
      resourceName: string,
      resourceType: i8.default(16).in("1+"),
    }),
  },
});
