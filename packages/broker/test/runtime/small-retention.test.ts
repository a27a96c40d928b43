import { IncrementalAlterConfigs } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";

const MIB = 1_048_576;

it("warns of a topic whose retention.bytes are less than a segment", async () => {
  const warnings: string[] = [];
  const warn = (message: string) => {
    if (message.includes("below segment.bytes")) warnings.push(message);
  };
  const broker = await WholeBroker.startWith({
    configs: { "log.segment.bytes": String(4 * MIB), "log.retention.bytes": String(5 * MIB) },
    logger: { ...silentLogger, level: "warn", warn },
  });
  const set = async (resourceType: number, resourceName: string, name: string, bytes: number) => {
    const configs = [{ name, value: String(bytes), configOperation: 0 }];
    const resources = [{ resourceType, resourceName, configs }];
    await broker.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    return warnings.splice(0);
  };
  const topic = ResourceType.topic;
  const text = (of: string, retention: number, segment: number) =>
    `${of}: retention.bytes (${retention}) is below segment.bytes (${segment}): only whole ` +
    `segments are deleted, so a partition may keep ${segment} bytes and more; lower segment.bytes`;

  await broker.createTopic("t", 1, { "retention.bytes": String(3 * MIB) });
  expect(warnings.splice(0)).toEqual([text("topic t", 3 * MIB, 4 * MIB)]);
  expect(await set(topic, "t", "retention.ms", 7)).toEqual([]);
  expect(await set(topic, "t", "segment.bytes", 2 * MIB)).toEqual([]);
  expect(await set(topic, "t", "segment.bytes", 4 * MIB)).toEqual([
    text("topic t", 3 * MIB, 4 * MIB),
  ]);
  await broker.createTopic("u", 1, { "retention.bytes": "-1" });
  await broker.createTopic("v", 1);
  expect(warnings).toEqual([]);
  expect(await set(ResourceType.broker, "", "log.segment.bytes", 8 * MIB)).toEqual([
    text("topics without their own", 5 * MIB, 8 * MIB),
  ]);
});
