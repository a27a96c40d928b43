/**
 * DescribeConfigs, versions 1-4.
 *
 * - v1: baseline: config sources and synonyms
 * - v2: throttling happens after the response
 * - v3: types and documentation (KIP-569)
 * - v4: flexible
 */
import { api, array, bool, i8, i16, i32, string } from "../schema.ts";

export const DescribeConfigs = api({
  key: 32,
  name: "DescribeConfigs",
  versions: "1-4",
  flexible: "4+",
  request: {
    resources: array({
      resourceType: i8,
      resourceName: string,
      configurationKeys: array(string).nullable(),
    }),
    includeSynonyms: bool.default(false),
    includeDocumentation: bool.default(false).in("3+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    results: array({
      errorCode: i16,
      errorMessage: string.nullable(),
      resourceType: i8,
      resourceName: string,
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: i8.default(-1),
        isSensitive: bool,
        synonyms: array({
          name: string,
          value: string.nullable(),
          source: i8,
        }),
        configType: i8.default(0).in("3+"),
        documentation: string.nullable().in("3+"),
      }),
    }),
  },
});
