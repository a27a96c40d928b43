import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { LogError } from "../../src/log/log-error.ts";
import { createTopics } from "./ask.ts";
import { openMetadata, spec } from "./support.ts";

describe("creating topics", () => {
  it("creates the logs, then the topic", async () => {
    const { metadata, host } = await openMetadata();
    const seen: string[][] = [];
    metadata.onChange((_, { topics }) => seen.push([...topics.keys()]));
    const [created] = await createTopics(metadata, [spec("t", { numPartitions: 3 })]);
    expect(created).toMatchObject({ name: "t", errorCode: 0 });
    expect(seen).toEqual([["t"]]);
    expect(metadata.image.topics.get("t")?.partitions).toHaveLength(3);
    expect(host.logs.size).toBe(3);
    expect(metadata.image.topics.get("t")).toBe(metadata.image.topicsById.get(created!.topic!.id));
  });

  it("answers each topic with its own error", async () => {
    const { metadata } = await openMetadata();
    await createTopics(metadata, [spec("there"), spec("a.b")]);
    const assign = (...brokerIds: number[][]) => ({
      numPartitions: -1,
      replicationFactor: -1,
      assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
    });
    const cases: [ReturnType<typeof spec>, number][] = [
      [spec("there"), ErrorCode.TOPIC_ALREADY_EXISTS],
      [spec("a_b"), ErrorCode.INVALID_TOPIC_EXCEPTION],
      [spec("sp ace"), ErrorCode.INVALID_TOPIC_EXCEPTION],
      [spec("."), ErrorCode.INVALID_TOPIC_EXCEPTION],
      [spec("x".repeat(250)), ErrorCode.INVALID_TOPIC_EXCEPTION],
      [spec("__consumer_offsets"), ErrorCode.INVALID_TOPIC_EXCEPTION],
      [spec("__cluster_metadata"), ErrorCode.INVALID_REQUEST],
      [spec("p", { numPartitions: 0 }), ErrorCode.INVALID_PARTITIONS],
      [spec("r", { replicationFactor: 2 }), ErrorCode.INVALID_REPLICATION_FACTOR],
      [spec("r", { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR],
      [spec("c", { configs: [{ name: "retention.mss", value: "1" }] }), ErrorCode.INVALID_CONFIG],
      [spec("c", { configs: [{ name: "retention.ms", value: "x" }] }), ErrorCode.INVALID_CONFIG],
      [spec("c", { configs: [{ name: "retention.ms", value: null }] }), ErrorCode.INVALID_CONFIG],
      [spec("m", { ...assign([1]), numPartitions: 1 }), ErrorCode.INVALID_REQUEST],
      [spec("m", assign([2])), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      [spec("m", assign([])), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      [spec("m", assign([1, 1])), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      [spec("big", { numPartitions: 10_001 }), ErrorCode.POLICY_VIOLATION],
    ];
    for (const [asked, errorCode] of cases) {
      const [result] = await createTopics(metadata, [asked]);
      expect(result, asked.name).toMatchObject({ errorCode, topic: null });
      expect(result?.errorMessage).toMatch(/\w/);
    }
    const [near] = await createTopics(metadata, [
      spec("c", { configs: [{ name: "retention.mss", value: "1" }] }),
    ]);
    expect(near?.errorMessage).toContain("retention.ms?");
    expect([...metadata.image.topics.keys()]).toEqual(["there", "a.b"]);
  });

  it("creates a thousand topics at the same time in a few appends", async () => {
    const { metadata, log } = await openMetadata();
    let appends = 0;
    const append = log.append.bind(log);
    log.append = (batch, epoch) => {
      appends += 1;
      return append(batch, epoch);
    };
    const names = Array.from({ length: 1_000 }, (_, i) => `t${i}`);
    const made = await Promise.all(names.map((name) => createTopics(metadata, [spec(name)])));
    expect(made.flat().every(({ errorCode }) => errorCode === 0)).toBe(true);
    expect(metadata.image.topics.size).toBe(1_000);
    expect(appends).toBeLessThan(10);
  });

  it("lets one of many requests for the same name succeed", async () => {
    const { metadata, host } = await openMetadata();
    const results = await Promise.all(
      Array.from({ length: 5 }, () => createTopics(metadata, [spec("same")])),
    );
    const codes = results.flat().map(({ errorCode }) => errorCode);
    expect(codes).toEqual([0, ...Array(4).fill(ErrorCode.TOPIC_ALREADY_EXISTS)]);
    expect(host.logs.size).toBe(1);
  });

  it("leaves nothing behind if a log can't be created", async () => {
    const { metadata, host } = await openMetadata();
    host.failure = new LogError("disk-full", "no space");
    const [result] = await createTopics(metadata, [spec("t", { numPartitions: 2 })]);
    expect(result).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, topic: null });
    expect(metadata.image.topics.size).toBe(0);
    expect(host.logs.size).toBe(0);
    host.failure = null;
    const [again] = await createTopics(metadata, [spec("t")]);
    expect(again?.errorCode).toBe(0);
  });

  it("lets one of two colliding names succeed", async () => {
    const { metadata, host } = await openMetadata();
    const results = await Promise.all(
      ["a.b", "a_b", "a.b"].map((name) => createTopics(metadata, [spec(name)])),
    );
    const codes = results.flat().map(({ errorCode }) => errorCode);
    const { INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS } = ErrorCode;
    expect(codes).toEqual([0, INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS]);
    expect(host.logs.size).toBe(1);
  });

  it("deletes the logs if the disk was full, and keeps them after an unknown outcome", async () => {
    const { metadata, host, log } = await openMetadata();
    const append = log.append.bind(log);
    const create = async (name: string) => (await createTopics(metadata, [spec(name)]))[0];
    log.append = () => Promise.reject(new LogError("disk-full", "no space left"));
    expect(await create("t")).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(host.logs.size).toBe(0);
    log.append = append;
    expect(await create("t")).toMatchObject({ errorCode: 0 });
    log.append = () => Promise.reject(new LogError("offline", "I/O error"));
    expect(await create("u")).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(host.logs.size).toBe(2);
    expect(await create("v")).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(host.logs.size).toBe(2);
    expect([...metadata.image.topics.keys()]).toEqual(["t"]);
  });

  it("spreads leaders and replicas over the brokers", async () => {
    const { metadata } = await openMetadata({ brokers: [1, 2, 3] });
    const [created] = await createTopics(metadata, [
      spec("t", { numPartitions: 6, replicationFactor: 2 }),
    ]);
    expect(created!.topic).toMatchObject({ numPartitions: 6, replicationFactor: 2 });
    const { partitions } = metadata.image.topics.get("t")!;
    const leaders = partitions.map(({ leader }) => leader).sort();
    expect(leaders).toEqual([1, 1, 2, 2, 3, 3]);
    expect(new Set(partitions.map(({ replicas }) => replicas.join())).size).toBe(6);
  });
});
