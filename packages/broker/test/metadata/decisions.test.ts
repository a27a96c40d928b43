import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { ConfigResolver } from "../../src/config/kafka/resolve.ts";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { decideAlterConfigs } from "../../src/metadata/decide-alter-configs.ts";
import { decideProducerIds, decideRegisterBroker } from "../../src/metadata/decide-broker.ts";
import { topicRecords } from "../../src/metadata/decide-create-topics.ts";
import { decideDeleteTopics, type TopicRef } from "../../src/metadata/decide-delete-topics.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import type { MetadataRecord } from "../../src/metadata/records.ts";
import { createTopics } from "./ask.ts";
import { openMetadata, spec } from "./support.ts";

/** A record's name and the fields that matter, so that a test reads like the log. */
function brief(records: readonly MetadataRecord[]): unknown[] {
  return records.map(({ record, value }) => {
    switch (record) {
      case "ConfigRecord":
        return [record, value.resourceName, value.name, value.value];
      case "PartitionRecord":
        return [record, value.partitionId, value.leader, value.leaderEpoch, value.replicas];
      case "PartitionChangeRecord":
        return [record, value.partitionId, value.leader];
      case "TopicRecord":
        return [record, value.name];
      case "ProducerIdsRecord":
        return [record, value.brokerId, value.nextProducerId];
      default:
        return [record];
    }
  });
}

async function withTopic() {
  const opened = await openMetadata();
  const configs = [{ name: "retention.ms", value: "5" }];
  const [created] = await createTopics(opened.metadata, [spec("t", { numPartitions: 2, configs })]);
  const { id } = created!.topic!;
  const { partitions } = opened.metadata.image.topics.get("t")!;
  return { ...opened, plan: { name: "t", id, partitions, configs } };
}

const layers = new ConfigResolver(1, {}).layers(EMPTY_IMAGE);
const context = { nodeId: 1, validateOnly: false, layers };
const set = (name: string, value: string | null, operation = 0) => ({ name, value, operation });

describe("records of decisions", () => {
  it("write a topic, its configs, its partitions", async () => {
    const { plan } = await withTopic();
    expect(brief(topicRecords(plan))).toEqual([
      ["TopicRecord", "t"],
      ["ConfigRecord", "t", "retention.ms", "5"],
      ["PartitionRecord", 0, 1, 0, [1]],
      ["PartitionRecord", 1, 1, 0, [1]],
    ]);
  });

  it("register a broker, and start new leader epochs after an unclean stop", async () => {
    const { metadata } = await withTopic();
    const at = { host: "h", port: 1, rack: null, features: [] };
    const broker = { id: 1, incarnationId: "i", ...at };
    const fresh = decideRegisterBroker(EMPTY_IMAGE, { ...broker, unclean: true });
    expect(brief(fresh.records)).toEqual([
      ["FeatureLevelRecord"],
      ["FeatureLevelRecord"],
      ["FeatureLevelRecord"],
      ["FeatureLevelRecord"],
      ["RegisterBrokerRecord"],
    ]);
    expect(fresh.records.slice(0, 3).map(({ value }) => value)).toEqual([
      { name: "metadata.version", featureLevel: 25 },
      { name: "group.version", featureLevel: 1 },
      { name: "transaction.version", featureLevel: 2 },
    ]);
    const unclean = decideRegisterBroker(metadata.image, { ...broker, unclean: true });
    expect(brief(unclean.records)).toEqual([
      ["RegisterBrokerRecord"],
      ["PartitionChangeRecord", 0, 1],
      ["PartitionChangeRecord", 1, 1],
    ]);
    await metadata.registerBroker({ host: "h", port: 1, unclean: true });
    const [first] = metadata.image.topics.get("t")!.partitions;
    expect(first).toMatchObject({ leaderEpoch: 1, partitionEpoch: 1, leader: 1 });
    const elsewhere = decideRegisterBroker(metadata.image, { ...broker, id: 2, unclean: true });
    expect(brief(elsewhere.records)).toEqual([["RegisterBrokerRecord"]]);
  });

  it("delete topics by name or id, but none that the request names by both", async () => {
    const { metadata, plan } = await withTopic();
    const both: TopicRef[] = [
      { name: "t", id: null },
      { name: null, id: plan.id },
    ];
    for (const ref of both) {
      const { records } = decideDeleteTopics(metadata.image, [ref]);
      expect(records.map(({ value }) => value)).toEqual([{ topicId: plan.id }]);
    }
    const { records, response } = decideDeleteTopics(metadata.image, [
      ...both,
      { name: "none", id: null },
      { name: null, id: "11111111-1111-1111-1111-111111111111" },
    ]);
    expect(records).toEqual([]);
    const { INVALID_REQUEST, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    expect(response.map(({ errorCode }) => errorCode)).toEqual([
      INVALID_REQUEST,
      INVALID_REQUEST,
      UNKNOWN_TOPIC_OR_PARTITION,
      UNKNOWN_TOPIC_ID,
    ]);
    expect(response.every(({ errorMessage }) => errorMessage !== null)).toBe(true);
  });

  it("write only configs that change", async () => {
    const { image } = (await withTopic()).metadata;
    const topic = { type: ResourceType.topic, name: "t", replace: false };
    const alter = (replace: boolean, ...changes: ReturnType<typeof set>[]) =>
      brief(decideAlterConfigs(image, [{ ...topic, replace, changes }], context).records);
    expect(alter(false, set("retention.ms", "5"))).toEqual([]);
    expect(alter(false, set("retention.ms", null, 1))).toEqual([
      ["ConfigRecord", "t", "retention.ms", null],
    ]);
    expect(alter(false, set("cleanup.policy", "compact", 2))).toEqual([
      ["ConfigRecord", "t", "cleanup.policy", "delete,compact"],
    ]);
    expect(alter(false, set("cleanup.policy", "delete", 3))).toEqual([
      ["ConfigRecord", "t", "cleanup.policy", ""],
    ]);
    expect(alter(true, set("segment.bytes", "1048576"))).toEqual([
      ["ConfigRecord", "t", "retention.ms", null],
      ["ConfigRecord", "t", "segment.bytes", "1048576"],
    ]);
  });

  it("refuse invalid configs", async () => {
    const { image } = (await withTopic()).metadata;
    const topic = { type: ResourceType.topic, name: "t" };
    const broker = { type: ResourceType.broker, name: "1" };
    const group = { type: ResourceType.group, name: "g" };
    const { INVALID_CONFIG, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    const cases: [{ type: number; name: string }, ReturnType<typeof set>, number][] = [
      [topic, set("segment.bytes", "1"), INVALID_CONFIG],
      [topic, set("segment.byte", "1048576"), INVALID_CONFIG],
      [topic, set("segment.bytes", null), INVALID_REQUEST],
      [topic, set("segment.bytes", "1", 2), INVALID_CONFIG],
      [topic, set("segment.bytes", "1048576", 9), INVALID_REQUEST],
      [topic, set("cleanup.policy", "squeeze"), INVALID_CONFIG],
      [topic, set("max.compaction.lag.ms", "0"), INVALID_CONFIG],
      [topic, set("remote.storage.enable", "true"), INVALID_CONFIG],
      [topic, set("retention.ms", "9223372036854775808"), INVALID_CONFIG],
      [topic, set("flush.messages", "x".repeat(40_000)), INVALID_CONFIG],
      [{ type: 2, name: "none" }, set("segment.bytes", "1048576"), UNKNOWN_TOPIC_OR_PARTITION],
      [{ type: 2, name: "" }, set("segment.bytes", "1048576"), INVALID_REQUEST],
      [broker, set("num.partitions", "3"), INVALID_REQUEST],
      [broker, set("log.cleaner.threads", "x"), INVALID_REQUEST],
      [broker, set("ssl.keystore.password", "x"), INVALID_REQUEST],
      [broker, set("listener.name.plaintext.sasl.enabled.mechanisms", "PLAIN"), INVALID_REQUEST],
      [{ type: 4, name: "" }, set("cordoned.log.dirs", "x"), INVALID_REQUEST],
      [{ type: 4, name: "7" }, set("message.max.bytes", "3"), INVALID_REQUEST],
      [{ type: 8, name: "1" }, set("root", "DEBUG"), INVALID_REQUEST],
      [{ type: 16, name: "m" }, set("interval.ms", "1000"), INVALID_REQUEST],
      [{ type: 32, name: "" }, set("consumer.session.timeout.ms", "50000"), INVALID_REQUEST],
      [group, set("consumer.session.timeout.ms", "5"), INVALID_CONFIG],
      [group, set("consumer.session.timeout.ms", "x"), INVALID_CONFIG],
      [group, set("consumer.sessio.timeout.ms", "50000"), INVALID_CONFIG],
      [group, set("consumer.heartbeat.interval.ms", "16000"), INVALID_CONFIG],
      [group, set("streams.num.standby.replicas", "9"), INVALID_CONFIG],
      [group, set("streams.assignor.name", "x"), INVALID_CONFIG],
      [group, set("share.auto.offset.reset", "sometime"), INVALID_CONFIG],
      [group, set("errors.deadletterqueue.topic.name", "__x"), INVALID_CONFIG],
    ];
    for (const [resource, change, errorCode] of cases) {
      const asked = [{ ...resource, replace: false, changes: [change] }];
      const { records, response } = decideAlterConfigs(image, asked, context);
      expect(response[0], `${resource.type} ${change.name}`).toMatchObject({ errorCode });
      expect(records).toEqual([]);
    }
  });

  it("never hand out a producer id twice", async () => {
    const { metadata, log } = await openMetadata();
    expect(brief(decideProducerIds(metadata.image, 1).records)).toEqual([
      ["ProducerIdsRecord", 1, 1_000],
    ]);
    const ids = await Promise.all(Array.from({ length: 2_500 }, () => metadata.nextProducerId()));
    const again = (await openMetadata({ log, brokers: [] })).metadata;
    for (let i = 0; i < 3; i++) ids.push(await again.nextProducerId());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.at(-1)).toBe(3_002);
  });
});
