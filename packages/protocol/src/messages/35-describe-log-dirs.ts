/**
 * DescribeLogDirs, versions 1-5.
 *
 * - v1: baseline: throttling happens after the response
 * - v2: flexible
 * - v3: top-level error code
 * - v4: total and usable bytes of the volume (KIP-827)
 * - v5: whether the directory is cordoned (KIP-1066)
 */
import { api, array, bool, i16, i32, offset, string } from "../schema.ts";

export const DescribeLogDirs = api({
  key: 35,
  name: "DescribeLogDirs",
  versions: "1-5",
  flexible: "2+",
  request: {
    topics: array({
      topic: string,
      partitions: array(i32),
    }).nullable(),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16.in("3+"),
    results: array({
      errorCode: i16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: i32,
          partitionSize: offset,
          offsetLag: offset,
          isFutureKey: bool,
        }),
      }),
      totalBytes: offset.default(-1).in("4+"),
      usableBytes: offset.default(-1).in("4+"),
      isCordoned: bool.default(false).in("5+"),
    }),
  },
});
