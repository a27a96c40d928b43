import { CreatePartitions, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { MemoryFiles } from "../env/memory-files.ts";
import { createTopics, deleteTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

const options = { timeoutMs: 1_000, validateOnly: false };

async function logsOf(files: MemoryFiles): Promise<string[]> {
  return (await files.list("/data")).filter((name) => name.startsWith("t-"));
}

describe("CreatePartitions", () => {
  it("adds partitions and their logs, at both ends of its versions", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    await createTopics(broker.metadata, [spec("t")]);
    for (const [version, count] of [
      [0, 3],
      [3, 5],
    ] as const) {
      const topics = [{ name: "t", count, assignments: null }];
      const { results } = await broker.call(CreatePartitions, version, {
        topics,
        ...options,
      });
      expect(results).toEqual([{ name: "t", errorCode: 0, errorMessage: null }]);
      expect(broker.metadata.image.topics.get("t")!.partitions).toHaveLength(count);
      expect(await logsOf(files)).toHaveLength(count);
    }
  });

  it("refuses invalid counts and assignments, with a text, and failed storage", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    await createTopics(broker.metadata, [spec("t", { numPartitions: 2 })]);
    const code = async (name: string, count: number, ids: number[][] | null = null) => {
      const assignments = ids?.map((brokerIds) => ({ brokerIds })) ?? null;
      const topics = [{ name, count, assignments }];
      const request = { topics, ...options };
      const { results } = await broker.call(CreatePartitions, 3, request);
      const { errorCode, errorMessage } = results[0]!;
      expect(errorMessage === null, `a text for ${errorCode}`).toBe(errorCode === 0);
      return errorCode;
    };
    expect(await code("none", 2)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await code("t", 2)).toBe(ErrorCode.INVALID_PARTITIONS);
    expect(await code("t", 1)).toBe(ErrorCode.INVALID_PARTITIONS);
    expect(await code("t", 20_000)).toBe(ErrorCode.INVALID_PARTITIONS);
    expect(await code("t", 3, [[1], [1]])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await code("t", 3, [[2]])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await code("t", 3, [[1, 1]])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    files.fault = (_, path) => {
      if (path.includes("/t-2")) throw new Error("I/O error");
    };
    expect(await code("t", 3)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(broker.metadata.image.topics.get("t")!.partitions).toHaveLength(2);
    files.fault = () => {};
    expect(await code("t", 3, [[1]])).toBe(0);
  });

  it("leaves no logs of a topic that is deleted in the meantime", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    await createTopics(broker.metadata, [spec("t")]);
    const { partitions } = broker.broker;
    const createLogs = partitions.createLogs.bind(partitions);
    partitions.createLogs = async (logs) => {
      await createLogs(logs);
      await deleteTopics(broker.metadata, [{ name: "t", id: null }]);
    };
    const topics = [{ name: "t", count: 3, assignments: null }];
    const { results } = await broker.call(CreatePartitions, 3, { topics, ...options });
    expect(results).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    expect(await logsOf(files)).toEqual([]);
  });
});
