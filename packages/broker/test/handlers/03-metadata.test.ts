import { ErrorCode, Metadata, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { createTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

const byName = (...names: string[]) => names.map((name) => ({ name }));

describe("Metadata", () => {
  it("answers the lowest and the highest version", async () => {
    const broker = await WholeBroker.start();
    await createTopics(broker.metadata, [spec("t", { numPartitions: 2 })]);
    const oldest = await broker.call(Metadata, 0, { topics: byName("t") });
    expect(oldest.brokers).toMatchObject([{ nodeId: 1, host: "127.0.0.1", port: 19092 }]);
    expect(oldest.topics).toMatchObject([
      {
        errorCode: 0,
        name: "t",
        partitions: [
          { errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] },
          { errorCode: 0, partitionIndex: 1, leaderId: 1, replicaNodes: [1], isrNodes: [1] },
        ],
      },
    ]);
    const newest = await broker.call(Metadata, 13, { topics: byName("t") });
    expect(newest).toMatchObject({
      clusterId: broker.metadata.clusterId,
      controllerId: 1,
      errorCode: 0,
    });
    expect(newest.topics).toMatchObject([
      {
        topicId: broker.metadata.image.topics.get("t")!.id,
        partitions: [{ leaderEpoch: 0, offlineReplicas: [] }, {}],
        topicAuthorizedOperations: -(2 ** 31),
      },
    ]);
  });

  it("lists all topics for an empty list in version 0, for null from version 1 on", async () => {
    const broker = await WholeBroker.start();
    await createTopics(broker.metadata, [spec("a"), spec("b")]);
    const names = async (version: number, topics: [] | null) =>
      (await broker.call(Metadata, version, { topics })).topics.map(({ name }) => name);
    expect(await names(0, [])).toEqual(["a", "b"]);
    expect(await names(1, [])).toEqual([]);
    expect(await names(1, null)).toEqual(["a", "b"]);
    expect(await names(13, null)).toEqual(["a", "b"]);
  });

  it("creates a missing topic and answers with it", async () => {
    const broker = await WholeBroker.start({ "num.partitions": "3" });
    const { topics } = await broker.call(Metadata, 0, { topics: byName("new", "new") });
    expect(topics).toMatchObject([{ errorCode: 0, name: "new" }]);
    expect(topics[0]!.partitions).toHaveLength(3);
    const codes = async (version: number, allowAutoTopicCreation: boolean, ...names: string[]) => {
      const request = { topics: byName(...names), allowAutoTopicCreation };
      return (await broker.call(Metadata, version, request)).topics.map((t) => t.errorCode);
    };
    expect(await codes(13, false, "other")).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(await codes(13, true, "bad name", "n_e", "n.e", "__consumer_offsets")).toEqual([
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      0,
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expect([...broker.metadata.image.topics.keys()]).toEqual(["new", "n_e"]);
  });

  it("creates no topic when auto.create.topics.enable is false", async () => {
    const kafkaConfigs = { "auto.create.topics.enable": "false" };
    const broker = await WholeBroker.start(kafkaConfigs);
    const { topics } = await broker.call(Metadata, 13, { topics: byName("new") });
    expect(topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    expect(broker.metadata.image.topics.size).toBe(0);
  });

  it("finds topics by id", async () => {
    const broker = await WholeBroker.start();
    await createTopics(broker.metadata, [spec("t")]);
    const { id } = broker.metadata.image.topics.get("t")!;
    const none = "11111111-1111-1111-1111-111111111111";
    const ask = (version: number, topicId: string) =>
      broker.call(Metadata, version, { topics: [{ topicId, name: null }] });
    expect((await ask(12, id)).topics).toMatchObject([{ errorCode: 0, name: "t", topicId: id }]);
    const unknown = { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId: none };
    expect((await ask(13, none)).topics).toMatchObject([unknown]);
    const refused = { errorCode: ErrorCode.INVALID_REQUEST };
    expect((await ask(11, id)).topics).toMatchObject([refused]);
    expect((await ask(13, ZERO_UUID)).topics).toMatchObject([refused]);
  });

  it("lists authorized operations on request", async () => {
    const broker = await WholeBroker.start();
    await createTopics(broker.metadata, [spec("t")]);
    const answer = await broker.call(Metadata, 8, {
      topics: null,
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    });
    expect(answer.topics[0]!.topicAuthorizedOperations).toBe(0b110111111000);
    expect(answer.clusterAuthorizedOperations).toBe(0b1111110100000);
  });

  it("advertises the address that the client connected to when bound to all", async () => {
    const broker = await WholeBroker.startWith({ bindAddress: "0.0.0.0" });
    const { brokers } = await broker.call(Metadata, 1, { topics: [] });
    expect(brokers).toMatchObject([{ host: "10.0.0.1", port: 19092 }]);
  });
});
