import { CreateTopics, ErrorCode, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { createTopics } from "../../src/handlers/19-create-topics.ts";
import { spec } from "../metadata/support.ts";
import { metadataBroker } from "./metadata-broker.ts";

describe("CreateTopics", () => {
  it("answers the lowest and the highest version", async () => {
    const { call, metadata } = await metadataBroker();
    const old = await call(CreateTopics, createTopics, 2, { topics: [spec("a")] });
    expect(old.topics).toMatchObject([{ name: "a", errorCode: 0, errorMessage: null }]);
    const configs = [{ name: "retention.ms", value: "5" }];
    const asked = spec("b", { numPartitions: -1, replicationFactor: -1, configs });
    const { topics } = await call(CreateTopics, createTopics, 7, { topics: [asked] });
    expect(topics).toMatchObject([
      {
        name: "b",
        errorCode: 0,
        topicId: metadata.image.topics.get("b")!.id,
        numPartitions: 1,
        replicationFactor: 1,
      },
    ]);
    const config = (name: string) => topics[0]!.configs!.find((one) => one.name === name);
    expect(config("retention.ms")).toMatchObject({ value: "5", configSource: 1 });
    expect(config("segment.bytes")).toMatchObject({ value: "1073741824", configSource: 5 });
  });

  it("creates nothing with validateOnly", async () => {
    const { call, metadata, host } = await metadataBroker();
    const request = { topics: [spec("t"), spec("sp ace")], validateOnly: true };
    const { topics } = await call(CreateTopics, createTopics, 7, request);
    expect(topics).toMatchObject([
      { name: "t", errorCode: 0, numPartitions: 1, topicId: ZERO_UUID },
      { name: "sp ace", errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
    expect([metadata.image.topics.size, host.logs.size]).toEqual([0, 0]);
  });

  it("refuses a topic that is named twice, and creates the others", async () => {
    const { call, metadata } = await metadataBroker();
    const request = { topics: [spec("t"), spec("u"), spec("t")] };
    const { topics } = await call(CreateTopics, createTopics, 7, request);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["t", ErrorCode.INVALID_REQUEST],
      ["u", 0],
    ]);
    expect([...metadata.image.topics.keys()]).toEqual(["u"]);
  });

  it("places replicas as the request assigns them", async () => {
    const { call, metadata } = await metadataBroker({ brokers: [1, 2, 3] });
    const assignments = [
      { partitionIndex: 1, brokerIds: [2, 1] },
      { partitionIndex: 0, brokerIds: [3, 2] },
    ];
    const asked = spec("t", { numPartitions: -1, replicationFactor: -1, assignments });
    await call(CreateTopics, createTopics, 4, { topics: [asked] });
    const { partitions } = metadata.image.topics.get("t")!;
    expect(partitions.map(({ replicas, leader }) => [replicas, leader])).toEqual([
      [[3, 2], 3],
      [[2, 1], 2],
    ]);
  });
});
