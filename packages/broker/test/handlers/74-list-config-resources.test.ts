import { ErrorCode, ListConfigResources } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { alterConfigs, createTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

it("ListConfigResources lists brokers, topics and groups with configs, by version", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [spec("t")]);
  const list = (version: number, ...resourceTypes: number[]) =>
    broker.call(ListConfigResources, version, { resourceTypes });
  expect((await list(0)).configResources).toEqual([]);
  const one = { resourceName: "1", resourceType: ResourceType.broker };
  const loggers = { resourceName: "1", resourceType: ResourceType.brokerLogger };
  const topic = { resourceName: "t", resourceType: ResourceType.topic };
  expect((await list(1)).configResources).toEqual([loggers, one, topic]);
  expect((await list(1, ResourceType.topic)).configResources).toEqual([topic]);
  const change = { name: "consumer.session.timeout.ms", operation: 0, value: "50000" };
  const group = { type: ResourceType.group, name: "g", replace: false };
  await alterConfigs(broker.metadata, [{ ...group, changes: [change] }]);
  const listed = { resourceName: "g", resourceType: ResourceType.group };
  expect((await list(1)).configResources).toEqual([listed, loggers, one, topic]);
  await alterConfigs(broker.metadata, [
    { ...group, changes: [{ ...change, operation: 1, value: null }] },
  ]);
  expect((await list(1, ResourceType.group)).configResources).toEqual([]);
  expect((await list(1, 99)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
});
