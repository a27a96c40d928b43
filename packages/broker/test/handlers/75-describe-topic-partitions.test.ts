import { DescribeTopicPartitions, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { createTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

async function brokerWithTopics() {
  const broker = await WholeBroker.start();
  const specs = [spec("b", { numPartitions: 3 }), spec("a", { numPartitions: 2 }), spec("c")];
  await createTopics(broker.metadata, specs);
  const describe = (request: {
    topics?: { name: string }[];
    responsePartitionLimit?: number;
    cursor?: { topicName: string; partitionIndex: number } | null;
  }) => broker.call(DescribeTopicPartitions, 0, { topics: [], ...request });
  return { broker, describe };
}

describe("DescribeTopicPartitions", () => {
  it("lists all topics in the order of their names", async () => {
    const { broker, describe } = await brokerWithTopics();
    const { topics, nextCursor } = await describe({});
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ["a", 2],
      ["b", 3],
      ["c", 1],
    ]);
    expect(nextCursor).toBeNull();
    expect(topics[0]).toMatchObject({
      errorCode: 0,
      topicId: broker.metadata.image.topics.get("a")!.id,
    });
    expect(topics[0]!.partitions[1]).toMatchObject({
      partitionIndex: 1,
      leaderId: 1,
      replicaNodes: [1],
    });
  });

  it("continues at the cursor, with pages of any size", async () => {
    const { describe } = await brokerWithTopics();
    for (const responsePartitionLimit of [1, 2, 3, 4, 6, 7]) {
      const seen: string[] = [];
      let cursor: { topicName: string; partitionIndex: number } | null = null;
      do {
        const page = await describe({ responsePartitionLimit, cursor });
        for (const { name, partitions } of page.topics) {
          for (const { partitionIndex } of partitions) seen.push(`${name}-${partitionIndex}`);
        }
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(["a-0", "a-1", "b-0", "b-1", "b-2", "c-0"]);
    }
  });

  it("answers errors for missing topics, invalid names and a cursor of another topic", async () => {
    const { describe } = await brokerWithTopics();
    const named = (...names: string[]) => names.map((name) => ({ name }));
    const { topics } = await describe({ topics: named("none", "a", "no ne") });
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["a", 0],
      ["no ne", ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["none", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    const cursor = { topicName: "b", partitionIndex: 0 };
    const refused = await describe({ topics: named("a"), cursor });
    expect(refused.topics[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});
