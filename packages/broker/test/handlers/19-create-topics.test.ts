import { CreateTopics, ErrorCode, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { MemoryFiles } from "../env/memory-files.ts";
import { cluster } from "../metadata/cluster.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

describe("CreateTopics", () => {
  it("answers the lowest and the highest version", async () => {
    const broker = await WholeBroker.start();
    const old = await broker.call(CreateTopics, 2, { topics: [spec("a")] });
    expect(old.topics).toMatchObject([{ name: "a", errorCode: 0, errorMessage: null }]);
    const configs = [{ name: "retention.ms", value: "5" }];
    const asked = spec("b", { numPartitions: -1, replicationFactor: -1, configs });
    const { topics } = await broker.call(CreateTopics, 7, { topics: [asked] });
    expect(topics).toMatchObject([
      {
        name: "b",
        errorCode: 0,
        topicId: broker.metadata.image.topics.get("b")!.id,
        numPartitions: 1,
        replicationFactor: 1,
      },
    ]);
    const config = (name: string) => topics[0]!.configs!.find((one) => one.name === name);
    expect(config("retention.ms")).toMatchObject({ value: "5", configSource: 1 });
    expect(config("segment.bytes")).toMatchObject({ value: "1073741824", configSource: 5 });
  });

  it("creates nothing with validateOnly", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    const request = { topics: [spec("t"), spec("sp ace")], validateOnly: true };
    const { topics } = await broker.call(CreateTopics, 7, request);
    expect(topics).toMatchObject([
      { name: "t", errorCode: 0, numPartitions: 1, topicId: ZERO_UUID },
      { name: "sp ace", errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
    expect(broker.metadata.image.topics.size).toBe(0);
    expect(await files.list("/data")).not.toContain("t-0");
  });

  it("refuses a topic that is named twice, and creates the others", async () => {
    const broker = await WholeBroker.start();
    const request = { topics: [spec("t"), spec("u"), spec("t")] };
    const { topics } = await broker.call(CreateTopics, 7, request);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["t", ErrorCode.INVALID_REQUEST],
      ["u", 0],
    ]);
    expect([...broker.metadata.image.topics.keys()]).toEqual(["u"]);
  });

  it("places replicas as the request assigns them", async () => {
    const broker = await WholeBroker.startWith({ before: cluster([1, 2, 3]).records });
    const assignments = [
      { partitionIndex: 1, brokerIds: [2, 1] },
      { partitionIndex: 0, brokerIds: [3, 2] },
    ];
    const asked = spec("t", { numPartitions: -1, replicationFactor: -1, assignments });
    await broker.call(CreateTopics, 4, { topics: [asked] });
    const { partitions } = broker.metadata.image.topics.get("t")!;
    expect(partitions.map(({ replicas, leader }) => [replicas, leader])).toEqual([
      [[3, 2], 3],
      [[2, 1], 2],
    ]);
  });
});
