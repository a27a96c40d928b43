import { ErrorCode, IncrementalAlterConfigs } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { configsOf, ResourceType } from "../../src/config/kafka/set-configs.ts";
import { createTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

it("IncrementalAlterConfigs sets, deletes, appends and subtracts, at both versions", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [
    spec("t", { configs: [{ name: "retention.ms", value: "5" }] }),
  ]);
  const resource = { resourceType: ResourceType.topic, resourceName: "t" };
  const alter = async (version: number, ...changes: [string, number, string | null][]) => {
    const configs = changes.map(([name, configOperation, value]) => {
      return { name, configOperation, value };
    });
    const request = { resources: [{ ...resource, configs }], validateOnly: false };
    const { responses } = await broker.call(IncrementalAlterConfigs, version, request);
    return responses[0]!.errorCode;
  };
  const own = () => Object.fromEntries(configsOf(broker.metadata.image, ResourceType.topic, "t"));
  expect(await alter(0, ["segment.ms", 0, "7"])).toBe(0);
  expect(own()).toEqual({ "retention.ms": "5", "segment.ms": "7" });
  expect(await alter(1, ["segment.ms", 1, null], ["cleanup.policy", 2, "compact"])).toBe(0);
  expect(own()).toEqual({ "retention.ms": "5", "cleanup.policy": "delete,compact" });
  expect(broker.metadata.topicConfig("t")).toMatchObject({ compact: true, deleteOld: true });
  expect(await alter(1, ["cleanup.policy", 3, "delete"])).toBe(0);
  expect(broker.metadata.topicConfig("t")).toMatchObject({ compact: true, deleteOld: false });
  // All changes of a resource are made, or none.
  const { INVALID_CONFIG } = ErrorCode;
  expect(await alter(1, ["retention.ms", 0, "9"], ["segment.ms", 0, "x"])).toBe(INVALID_CONFIG);
  expect(own()["retention.ms"]).toBe("5");
});

it("IncrementalAlterConfigs refuses to append what makes a value too long for its record", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  const append = async (character: string, count: number) => {
    const change = { name: "leader.replication.throttled.replicas", configOperation: 2 };
    const configs = [{ ...change, value: character.repeat(count) }];
    const resource = { resourceType: ResourceType.topic, resourceName: "t", configs };
    const request = { resources: [resource], validateOnly: false };
    const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
    return responses[0]!.errorCode;
  };
  // Of two bytes each: the second value would have fewer characters than the limit has bytes.
  expect(await append("é", 10_000)).toBe(ErrorCode.NONE);
  expect(await append("è", 10_000)).toBe(ErrorCode.INVALID_CONFIG);
  expect(await append("è", 6_383)).toBe(ErrorCode.NONE);
});

it("IncrementalAlterConfigs keeps a broker's configs as Kafka does, also unused ones", async () => {
  const broker = await WholeBroker.start();
  const alter = async (resourceName: string, name: string, value: string) => {
    const configs = [{ name, configOperation: 0, value }];
    const resource = { resourceType: ResourceType.broker, resourceName, configs };
    const request = { resources: [resource], validateOnly: false };
    const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
    return responses[0]!.errorCode;
  };
  expect(await alter("1", "leader.replication.throttled.rate", "1000")).toBe(0);
  expect(await alter("", "follower.replication.throttled.rate", "1000")).toBe(0);
  expect(await alter("1", "log.cleaner.threads", "2")).toBe(0);
  expect(await alter("1", "listener.name.plaintext.max.connections", "100")).toBe(0);
  // A config of a plugin: Kafka keeps unknown names.
  expect(await alter("1", "my.plugin.key", "x")).toBe(0);
  expect(await alter("1", "process.roles", "broker")).toBe(ErrorCode.INVALID_REQUEST);
  expect(Object.fromEntries(configsOf(broker.metadata.image, ResourceType.broker, "1"))).toEqual({
    "leader.replication.throttled.rate": "1000",
    "log.cleaner.threads": "2",
    "listener.name.plaintext.max.connections": "100",
    "my.plugin.key": "x",
  });
});

it("IncrementalAlterConfigs refuses a resource that is named twice", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [spec("t")]);
  const configs = [{ name: "retention.ms", configOperation: 0, value: "9" }];
  const resource = { resourceType: ResourceType.topic, resourceName: "t", configs };
  const request = { resources: [resource, resource], validateOnly: false };
  const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
  const { INVALID_REQUEST } = ErrorCode;
  expect(responses.map(({ errorCode }) => errorCode)).toEqual([INVALID_REQUEST, INVALID_REQUEST]);
});
