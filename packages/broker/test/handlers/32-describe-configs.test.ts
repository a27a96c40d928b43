import { DescribeConfigs, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { configRecord } from "../../src/metadata/records.ts";
import { alterConfigs, createTopics } from "../metadata/ask.ts";
import { cluster } from "../metadata/cluster.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

async function brokerWithTopic() {
  const broker = await WholeBroker.start({ "log.retention.hours": "2" });
  const configs = [{ name: "segment.bytes", value: "1048576" }];
  await createTopics(broker.metadata, [spec("t", { configs })]);
  return broker;
}

const resource = (resourceType: number, resourceName: string, keys: string[] | null = null) => ({
  resources: [{ resourceType, resourceName, configurationKeys: keys }],
});

describe("DescribeConfigs", () => {
  it("describes a topic's configs and their sources, at both ends of its versions", async () => {
    const broker = await brokerWithTopic();
    const asked = resource(ResourceType.topic, "t");
    const old = await broker.call(DescribeConfigs, 1, asked);
    const [found] = old.results;
    expect(found).toMatchObject({ errorCode: 0, errorMessage: null, resourceName: "t" });
    const config = (name: string) => found!.configs.find((one) => one.name === name);
    expect(config("segment.bytes")).toMatchObject({ value: "1048576", configSource: 1 });
    expect(config("retention.ms")).toMatchObject({ value: "7200000", configSource: 5 });
    expect(config("max.message.bytes")).toMatchObject({ value: "1048588", configSource: 5 });
    expect(config("max.message.bytes")).toMatchObject({ readOnly: false, isSensitive: false });
    const more = { ...asked, includeSynonyms: true, includeDocumentation: true };
    const { results } = await broker.call(DescribeConfigs, 4, more);
    const segment = results[0]!.configs.find((one) => one.name === "segment.bytes")!;
    expect(segment).toMatchObject({ configType: 3, documentation: expect.stringContaining("seg") });
    expect(segment.synonyms).toEqual([
      { name: "segment.bytes", value: "1048576", source: 1 },
      { name: "log.segment.bytes", value: "1073741824", source: 5 },
    ]);
  });

  it("returns only the keys that the request names; all for an empty list", async () => {
    const broker = await brokerWithTopic();
    const asked = resource(ResourceType.topic, "t", ["retention.ms", "nonsense"]);
    const { results } = await broker.call(DescribeConfigs, 4, asked);
    expect(results[0]!.configs.map(({ name }) => name)).toEqual(["retention.ms"]);
    const none = await broker.call(DescribeConfigs, 4, resource(2, "t", []));
    expect(none.results[0]!.configs.length).toBeGreaterThan(30);
  });

  it("lists an unknown config that is set, but not its value", async () => {
    const broker = await brokerWithTopic();
    const change = { name: "my.plugin.key", operation: 0, value: "x" };
    const resourceOf = { type: ResourceType.broker, replace: false, changes: [change] };
    for (const [name, configSource] of [
      ["", 3],
      ["1", 2],
    ] as const) {
      await alterConfigs(broker.metadata, [{ ...resourceOf, name }]);
      const asked = resource(ResourceType.broker, name, ["my.plugin.key"]);
      const { results } = await broker.call(DescribeConfigs, 4, {
        ...asked,
        includeDocumentation: true,
      });
      expect(results[0]!.configs).toMatchObject([
        {
          ...{ name: "my.plugin.key", value: null, isSensitive: true, configSource },
          documentation: expect.stringContaining("no config of this name is known"),
        },
      ]);
    }
  });

  it("describes a broker's configs and where they are set", async () => {
    const broker = await brokerWithTopic();
    const change = { name: "message.max.bytes", operation: 0, value: "5000" };
    const resourceOf = { type: ResourceType.broker, replace: false, changes: [change] };
    await alterConfigs(broker.metadata, [{ ...resourceOf, name: "" }]);
    await alterConfigs(broker.metadata, [
      { ...resourceOf, name: "1", changes: [{ ...change, value: "6000" }] },
    ]);
    const asked = { ...resource(ResourceType.broker, "1"), includeSynonyms: true };
    const { results } = await broker.call(DescribeConfigs, 4, asked);
    const config = (name: string) => results[0]!.configs.find((one) => one.name === name);
    expect(config("message.max.bytes")?.synonyms).toEqual([
      { name: "message.max.bytes", value: "6000", source: 2 },
      { name: "message.max.bytes", value: "5000", source: 3 },
      { name: "message.max.bytes", value: "1048588", source: 5 },
    ]);
    expect(config("node.id")).toMatchObject({ value: "1", readOnly: true, configSource: 4 });
    expect(broker.metadata.topicConfig("t").maxMessageBytes).toBe(6000);
    const all = await broker.call(DescribeConfigs, 4, resource(ResourceType.broker, ""));
    expect(all.results[0]!.configs).toMatchObject([{ name: "message.max.bytes", value: "5000" }]);
  });

  it("shows no secret", async () => {
    // A broker that is given a password refuses to start, but its metadata may hold one.
    const secret = configRecord(ResourceType.broker, "1", "ssl.keystore.password", "geheim");
    const before = [...cluster([1]).records, secret];
    const broker = await WholeBroker.startWith({ before });
    const asked = { ...resource(ResourceType.broker, "1"), includeSynonyms: true };
    const { results } = await broker.call(DescribeConfigs, 4, asked);
    const password = results[0]!.configs.find(({ name }) => name === "ssl.keystore.password");
    expect(password).toMatchObject({ value: null, isSensitive: true, configSource: 2 });
    expect(password).toMatchObject({ configType: 9, synonyms: [{ value: null, source: 2 }] });
    expect(JSON.stringify(results)).not.toContain("geheim");
  });

  it("refuses unknown resources and types", async () => {
    const broker = await brokerWithTopic();
    const code = async (type: number, name: string) => {
      const { results } = await broker.call(DescribeConfigs, 4, resource(type, name));
      return results[0]!.errorCode;
    };
    expect(await code(ResourceType.topic, "none")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await code(ResourceType.topic, "no ne")).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(await code(ResourceType.broker, "2")).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(ResourceType.brokerLogger, "2")).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(ResourceType.brokerLogger, "")).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(ResourceType.clientMetrics, "m")).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(ResourceType.group, "")).toBe(ErrorCode.INVALID_REQUEST);
  });
});

it("DescribeConfigs describes, of another broker, the configs set at run time", async () => {
  const broker = await WholeBroker.startWith({ before: cluster([1, 2]).records });
  const set = (name: string, config: string, value: string) => {
    const changes = [{ name: config, operation: 0, value }];
    return alterConfigs(broker.metadata, [
      { type: ResourceType.broker, name, replace: false, changes },
    ]);
  };
  await set("", "message.max.bytes", "5000");
  await set("", "log.retention.ms", "60000");
  expect(await set("2", "message.max.bytes", "6000")).toMatchObject([{ errorCode: 0 }]);
  const asked = { ...resource(ResourceType.broker, "2"), includeSynonyms: true };
  const { results } = await broker.call(DescribeConfigs, 4, asked);
  const told = results[0]!.configs.map(({ name, value, configSource }) => {
    return [name, value, configSource];
  });
  expect(told).toEqual(
    expect.arrayContaining([
      ["message.max.bytes", "6000", 2],
      ["log.retention.ms", "60000", 3],
    ]),
  );
  expect(told.some(([, , source]) => source !== 2 && source !== 3)).toBe(false);
  const own = results[0]!.configs.find(({ name }) => name === "message.max.bytes")!;
  expect(own.synonyms.map(({ value }) => value)).toEqual(["6000", "5000"]);
  const more = ["3", "02", "x"].map((name) => resource(ResourceType.broker, name).resources[0]!);
  const unknown = await broker.call(DescribeConfigs, 4, { resources: more });
  expect(unknown.results.map(({ errorCode }) => errorCode)).toEqual([
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
  ]);
});

it("DescribeConfigs describes a group's configs, set or not", async () => {
  const broker = await WholeBroker.start();
  const set = async (name: string, value: string) => {
    const changes = [{ name, operation: 0, value }];
    const group = { type: ResourceType.group, name: "g", replace: false, changes };
    expect(await alterConfigs(broker.metadata, [group])).toMatchObject([{ errorCode: 0 }]);
  };
  await set("consumer.session.timeout.ms", "50000");
  await set("share.auto.offset.reset", "by_duration:PT1H");
  const more = { includeSynonyms: true, includeDocumentation: true };
  const asked = { ...resource(ResourceType.group, "g"), ...more };
  const { results } = await broker.call(DescribeConfigs, 4, asked);
  const config = (name: string) => results[0]!.configs.find((one) => one.name === name);
  expect(config("consumer.session.timeout.ms")).toMatchObject({
    value: "50000",
    configSource: 8,
    documentation: "",
    synonyms: [
      { name: "consumer.session.timeout.ms", value: "50000", source: 8 },
      { name: "group.consumer.session.timeout.ms", value: "45000", source: 5 },
    ],
  });
  expect(config("consumer.heartbeat.interval.ms")).toMatchObject({
    value: "5000",
    configSource: 5,
    synonyms: [{ name: "group.consumer.heartbeat.interval.ms", value: "5000", source: 5 }],
  });
  expect(config("share.auto.offset.reset")?.documentation).toContain(
    "has no effect yet: there are no",
  );
  expect(config("streams.assignor.name")?.value).toBe("sticky");
  // Kafka's internal configs are listed only when they are set.
  expect(config("streams.task.offset.interval.ms")).toBeUndefined();
  await set("streams.task.offset.interval.ms", "20000");
  const again = await broker.call(DescribeConfigs, 4, asked);
  const names = again.results[0]!.configs.map(({ name }) => name);
  expect(names).toContain("streams.task.offset.interval.ms");
});

it("DescribeConfigs lists synonyms as Kafka does: hours only after milliseconds", async () => {
  const kafkaConfigs = { "log.retention.hours": "2", "advertised.listeners": "PLAINTEXT://a:1" };
  const broker = await WholeBroker.start(kafkaConfigs);
  await createTopics(broker.metadata, [spec("t")]);
  const config = async (type: number, name: string, key: string) => {
    const asked = { ...resource(type, name, [key]), includeSynonyms: true };
    const { results } = await broker.call(DescribeConfigs, 4, asked);
    return results[0]!.configs[0]!;
  };
  const ofTopic = (key: string) => config(ResourceType.topic, "t", key);
  const ofBroker = (key: string) => config(ResourceType.broker, "1", key);
  const none = { configSource: 5, synonyms: [] };
  expect(await ofTopic("retention.ms")).toMatchObject({ value: "7200000", ...none });
  expect(await ofTopic("segment.ms")).toMatchObject({ value: "604800000", ...none });
  expect(await ofBroker("log.retention.ms")).toMatchObject({ value: null, ...none });
  expect((await ofBroker("advertised.listeners")).configSource).toBe(4);
  const changes = [{ name: "log.retention.ms", operation: 0, value: "60000" }];
  const all = { type: ResourceType.broker, name: "", replace: false, changes };
  await alterConfigs(broker.metadata, [all]);
  expect((await ofTopic("retention.ms")).synonyms).toEqual([
    { name: "log.retention.ms", value: "60000", source: 3 },
    { name: "log.retention.hours", value: "2", source: 4 },
    { name: "log.retention.hours", value: "168", source: 5 },
  ]);
});
