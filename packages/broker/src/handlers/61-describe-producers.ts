import { DescribeProducers, ErrorCode, errorOf, type RequestOf } from "@tarpan/protocol";
import { onEach } from "../security/permission.ts";
import { handler } from "./handler.ts";

/**
 * DescribeProducers: v0. The producers that a partition's leader remembers, and where the open
 * transaction of each begins (KIP-664).
 */
export const describeProducers = handler({
  api: DescribeProducers,
  versions: "0",
  authorize: [onEach("read", "topic")],
  handle: ({ topics }, { services }) => ({
    topics: answerEach(topics, (name, index) => {
      const partition = services.partitions.find(name, index);
      if (typeof partition === "number") return refused(partition);
      const activeProducers = [...partition.describeProducers()];
      return { errorCode: ErrorCode.NONE, errorMessage: null, activeProducers };
    }),
  }),
  failure: ({ topics }, errorCode) => ({ topics: answerEach(topics, () => refused(errorCode)) }),
});

type Topics = RequestOf<typeof DescribeProducers>["topics"];

function answerEach<T>(topics: Topics, answer: (name: string, index: number) => T) {
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      return { partitionIndex, ...answer(name, partitionIndex) };
    }),
  }));
}

function refused(errorCode: ErrorCode) {
  return { errorCode, errorMessage: errorOf(errorCode).message, activeProducers: [] };
}
