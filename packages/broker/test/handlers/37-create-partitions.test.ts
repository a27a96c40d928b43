import { CreatePartitions, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { createPartitions } from "../../src/handlers/37-create-partitions.ts";
import { createTopics, deleteTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { metadataBroker } from "./metadata-broker.ts";

const options = { timeoutMs: 1_000, validateOnly: false };

describe("CreatePartitions", () => {
  it("adds partitions and their logs, at both ends of its versions", async () => {
    const { call, metadata, host } = await metadataBroker();
    await createTopics(metadata, [spec("t")]);
    for (const [version, count] of [
      [0, 3],
      [3, 5],
    ] as const) {
      const topics = [{ name: "t", count, assignments: null }];
      const { results } = await call(CreatePartitions, createPartitions, version, {
        topics,
        ...options,
      });
      expect(results).toEqual([{ name: "t", errorCode: 0, errorMessage: null }]);
      expect(metadata.image.topics.get("t")!.partitions).toHaveLength(count);
      expect(host.logs.size).toBe(count);
    }
  });

  it("refuses invalid counts and assignments, with a text, and failed storage", async () => {
    const { call, metadata, host } = await metadataBroker();
    await createTopics(metadata, [spec("t", { numPartitions: 2 })]);
    const code = async (name: string, count: number, ids: number[][] | null = null) => {
      const assignments = ids?.map((brokerIds) => ({ brokerIds })) ?? null;
      const topics = [{ name, count, assignments }];
      const request = { topics, ...options };
      const { results } = await call(CreatePartitions, createPartitions, 3, request);
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
    host.failure = new Error("no space");
    expect(await code("t", 3)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(metadata.image.topics.get("t")!.partitions).toHaveLength(2);
    host.failure = null;
    expect(await code("t", 3, [[1]])).toBe(0);
  });

  it("leaves no logs of a topic that is deleted in the meantime", async () => {
    const { call, metadata, host } = await metadataBroker();
    await createTopics(metadata, [spec("t")]);
    const createLogs = host.createLogs.bind(host);
    host.createLogs = async (ids) => {
      await createLogs(ids);
      await deleteTopics(metadata, [{ name: "t", id: null }]);
    };
    const topics = [{ name: "t", count: 3, assignments: null }];
    const { results } = await call(CreatePartitions, createPartitions, 3, { topics, ...options });
    expect(results).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    expect(host.logs.size).toBe(0);
  });
});
