import { IncrementalAlterConfigs } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { configRecord } from "../../src/metadata/records.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";

const THREADS = "the broker uses one thread";

it("warns of configs without effect that clients have set, of each once", async () => {
  const warnings: string[] = [];
  const broker = await WholeBroker.startWith({
    logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    before: [
      configRecord(ResourceType.broker, "", "num.io.threads", "9"),
      configRecord(ResourceType.broker, "", "message.max.bytes", "9000"),
      configRecord(ResourceType.broker, "1", "num.io.threads", "9"),
    ],
  });
  expect(warnings).toEqual([`no effect: num.io.threads: ${THREADS}`]);

  const set = async (resourceType: number, resourceName: string, names: readonly string[]) => {
    const configs = names.map((name) => ({ name, value: "7", configOperation: 0 }));
    const resources = [{ resourceType, resourceName, configs }];
    const request = { resources, validateOnly: false };
    const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
    expect(responses[0]?.errorMessage ?? null).toBeNull();
    return warnings.splice(0);
  };
  warnings.length = 0;
  expect(await set(ResourceType.broker, "", ["num.io.threads", "message.max.bytes"])).toEqual([]);
  expect(await set(ResourceType.broker, "1", ["background.threads", "their.own"])).toEqual([
    `no effect: background.threads: ${THREADS}`,
    "no effect: their.own: no config of this name is known",
  ]);
  await broker.createTopic("t");
  expect(await set(ResourceType.topic, "t", ["local.retention.bytes"])).toEqual([
    "no effect: local.retention.bytes: there is no tiered storage",
  ]);
});
