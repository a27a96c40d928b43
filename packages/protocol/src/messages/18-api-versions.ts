/**
 * ApiVersions, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttle time
 * - v2: throttling happens after the response
 * - v3: flexible body; client software; features (KIP-511, KIP-584)
 * - v4: features may start at version 0
 * - v5: the cluster and the broker that the client means to reach (KIP-1242)
 *
 * The response header never has a tagged section, and an unknown version is answered as v0.
 */
import { api, array, bool, i16, i32, offset, string } from "../schema.ts";

export const ApiVersions = api({
  key: 18,
  name: "ApiVersions",
  versions: "0-5",
  flexible: "3+",
  request: {
    clientSoftwareName: string.in("3+"),
    clientSoftwareVersion: string.in("3+"),
    clusterId: string.nullable("5+").default(null).in("5+"),
    nodeId: i32.default(-1).in("5+"),
  },
  response: {
    errorCode: i16,
    apiKeys: array({
      apiKey: i16,
      minVersion: i16,
      maxVersion: i16,
    }),
    throttleTimeMs: i32.default(0).in("1+"),
    supportedFeatures: array({
      name: string,
      minVersion: i16,
      maxVersion: i16,
    }).tag(0, "3+"),
    finalizedFeaturesEpoch: offset.default(-1).tag(1, "3+"),
    finalizedFeatures: array({
      name: string,
      maxVersionLevel: i16,
      minVersionLevel: i16,
    }).tag(2, "3+"),
    zkMigrationReady: bool.default(false).tag(3, "3+"),
  },
});
