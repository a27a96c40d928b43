import { api, array, i16, i32, offset, string } from "../schema.ts";

export const DeleteRecords = api({
  key: 21,
  name: "DeleteRecords",
  versions: "0-2",
  flexible: "2+",
  request: {
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        offset: offset,
      }),
    }),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        lowWatermark: offset,
        errorCode: i16,
      }),
    }),
  },
});
