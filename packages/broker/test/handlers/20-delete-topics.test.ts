import { DeleteTopics, ErrorCode, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { createTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

const timeoutMs = 1_000;

describe("DeleteTopics", () => {
  it("deletes by name in the lowest version", async () => {
    const broker = await WholeBroker.start();
    const configs = [{ name: "retention.ms", value: "5" }];
    await createTopics(broker.metadata, [spec("t", { configs }), spec("u")]);
    const request = { topicNames: ["t", "none"], timeoutMs };
    const { responses } = await broker.call(DeleteTopics, 1, request);
    expect(responses).toMatchObject([
      { name: "t", errorCode: 0 },
      { name: "none", errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ]);
    expect([...broker.metadata.image.topics.keys()]).toEqual(["u"]);
    expect(broker.metadata.image.configs.has(ResourceType.topic)).toBe(false);
  });

  it("deletes by name or id in the highest version", async () => {
    const broker = await WholeBroker.start();
    await createTopics(broker.metadata, [spec("t"), spec("u"), spec("kept")]);
    const { id } = broker.metadata.image.topics.get("u")!;
    const none = "11111111-1111-1111-1111-111111111111";
    const topics = [
      { name: "t", topicId: ZERO_UUID },
      { name: null, topicId: id },
      { name: null, topicId: none },
      { name: "kept", topicId: id },
      { name: null, topicId: ZERO_UUID },
    ];
    const answer = await broker.call(DeleteTopics, 6, { topics, timeoutMs });
    expect(answer.responses).toMatchObject([
      { name: "t", errorCode: 0 },
      { name: "u", topicId: id, errorCode: 0 },
      { name: null, topicId: none, errorCode: ErrorCode.UNKNOWN_TOPIC_ID },
      { name: "kept", topicId: id, errorCode: ErrorCode.INVALID_REQUEST },
      { name: null, topicId: ZERO_UUID, errorCode: ErrorCode.INVALID_REQUEST },
    ]);
    expect([...broker.metadata.image.topics.keys()]).toEqual(["kept"]);
  });

  it("refuses topics that are named twice, and unknown topics", async () => {
    const broker = await WholeBroker.start();
    await createTopics(broker.metadata, [spec("t"), spec("u")]);
    const { id } = broker.metadata.image.topics.get("u")!;
    const byId = { name: null, topicId: id };
    const names = ["t", "t", "u", "none"].map((name) => ({ name, topicId: ZERO_UUID }));
    const topics = [...names, byId];
    const answer = await broker.call(DeleteTopics, 6, { topics, timeoutMs });
    const { INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    expect(answer.responses.map(({ errorCode }) => errorCode)).toEqual([
      INVALID_REQUEST,
      INVALID_REQUEST,
      INVALID_REQUEST,
      UNKNOWN_TOPIC_OR_PARTITION,
      INVALID_REQUEST,
    ]);
    expect(answer.responses[3]!.errorMessage).toContain("'none'");
    expect([...broker.metadata.image.topics.keys()]).toEqual(["t", "u"]);
  });

  it("deletes nothing when delete.topic.enable is false", async () => {
    const broker = await WholeBroker.start({ "delete.topic.enable": "false" });
    const code = async (version: number) => {
      const request = { topicNames: ["t"], timeoutMs };
      return (await broker.call(DeleteTopics, version, request)).responses[0]!.errorCode;
    };
    expect(await code(2)).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(5)).toBe(ErrorCode.TOPIC_DELETION_DISABLED);
  });
});
