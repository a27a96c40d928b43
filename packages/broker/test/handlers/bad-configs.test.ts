// A config of a wrong type or out of its range is refused with INVALID_CONFIG (40) and the reason.
import { CreateTopics, ErrorCode, IncrementalAlterConfigs } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import type { ConfigDefinition } from "../../src/config/kafka/definition.ts";
import { GROUP_CONFIGS } from "../../src/config/kafka/group-configs.ts";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { TOPIC_CONFIGS } from "../../src/config/kafka/topic-configs.ts";
import { WholeBroker } from "./whole-broker.ts";

const WRONG: Readonly<Record<string, readonly string[]>> = {
  boolean: ["1", "yes", ""],
  int: ["x", "", "1.5", "2147483648", "1e3"],
  long: ["x", "", "1.5", "9223372036854775808", "0x10"],
  double: ["x", ""],
};

/** Values that are of the right type and break the config's rule. */
function outOfRange({ type, check }: ConfigDefinition): string[] {
  const numbers = ["-9", "-1", "0", "2", "2147483647"];
  const candidates = type === "boolean" || type === "double" ? [] : [...numbers, "squeeze"];
  const isRight = (value: string) => type === "string" || type === "list" || value !== "squeeze";
  return candidates.filter((value) => isRight(value) && (check?.(value) ?? null) !== null);
}

describe("CreateTopics and IncrementalAlterConfigs", () => {
  it("refuse each config of a topic or a group that is wrong, and say why", async () => {
    const broker = await WholeBroker.start();
    await broker.createTopic("t");
    const created = async (name: string, value: string) => {
      const topic = { name: "new", numPartitions: 1, replicationFactor: 1, assignments: [] };
      const configs = [{ name, value }];
      const request = { topics: [{ ...topic, configs }], validateOnly: true };
      return (await broker.call(CreateTopics, 7, request)).topics[0]!;
    };
    const altered = async (resourceType: number, name: string, value: string) => {
      const configs = [{ name, value, configOperation: 0 }];
      const resourceName = resourceType === ResourceType.topic ? "t" : "g";
      const resources = [{ resourceType, resourceName, configs }];
      const request = { resources, validateOnly: true };
      return (await broker.call(IncrementalAlterConfigs, 1, request)).responses[0]!;
    };
    let count = 0;
    for (const [type, table] of [
      [ResourceType.topic, TOPIC_CONFIGS],
      [ResourceType.group, GROUP_CONFIGS],
    ] as const) {
      for (const definition of table.values()) {
        const { name } = definition;
        for (const value of [...(WRONG[definition.type] ?? []), ...outOfRange(definition)]) {
          const answers: { errorCode: number; errorMessage: string | null }[] = [
            await altered(type, name, value),
          ];
          if (type === ResourceType.topic) answers.push(await created(name, value));
          for (const { errorCode, errorMessage } of answers) {
            count++;
            expect({ name, value, errorCode }).toEqual({
              ...{ name, value },
              errorCode: ErrorCode.INVALID_CONFIG,
            });
            expect(errorMessage).toContain(`invalid value ${value} for ${name}: m`);
          }
        }
      }
    }
    expect(count).toBeGreaterThan(300);
  });

  it("refuse a min.compaction.lag.ms above the max, which may be the broker's", async () => {
    const broker = await WholeBroker.start({ "log.cleaner.max.compaction.lag.ms": "50" });
    const created = async (own: Record<string, string>) => {
      const configs = Object.entries(own).map(([name, value]) => ({ name, value }));
      const topic = { name: "new", numPartitions: 1, replicationFactor: 1, assignments: [] };
      const request = { topics: [{ ...topic, configs }], validateOnly: true };
      const { errorCode, errorMessage } = (await broker.call(CreateTopics, 7, request)).topics[0]!;
      return { errorCode, errorMessage };
    };
    const { INVALID_CONFIG: errorCode, NONE } = ErrorCode;
    const [min, max] = ["min.compaction.lag.ms", "max.compaction.lag.ms"];
    expect(await created({ [min!]: "9", [max!]: "8" })).toEqual({
      errorCode,
      errorMessage: "min.compaction.lag.ms (9) is above max.compaction.lag.ms (8)",
    });
    expect(await created({ [min!]: "51" })).toEqual({
      errorCode,
      errorMessage: "min.compaction.lag.ms (51) is above max.compaction.lag.ms (50)",
    });
    expect((await created({ [min!]: "51", [max!]: "52" })).errorCode).toBe(NONE);
    expect((await created({})).errorCode).toBe(NONE);
  });
});
