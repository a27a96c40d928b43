import { describe, expect, it } from "vitest";
import { BROKER_CONFIGS } from "../../../src/config/kafka/broker-configs.ts";
import { configProblem } from "../../../src/config/kafka/definition.ts";
import { GROUP_CONFIGS } from "../../../src/config/kafka/group-configs.ts";
import { ConfigResolver } from "../../../src/config/kafka/resolve.ts";
import { ResourceType } from "../../../src/config/kafka/set-configs.ts";
import { TOPIC_CONFIGS } from "../../../src/config/kafka/topic-configs.ts";
import { applyMetadata } from "../../../src/metadata/apply.ts";
import { EMPTY_IMAGE } from "../../../src/metadata/image.ts";
import { configRecord } from "../../../src/metadata/records.ts";

describe("the tables", () => {
  it("accept their own defaults", () => {
    for (const table of [TOPIC_CONFIGS, BROKER_CONFIGS, GROUP_CONFIGS]) {
      for (const { name, fallback } of table.values()) {
        if (fallback !== null) expect(configProblem(table, name, fallback)).toBeNull();
      }
    }
  });

  it("hold every config of Kafka 4.4, including those only set at run time", () => {
    const sizes = [BROKER_CONFIGS, TOPIC_CONFIGS, GROUP_CONFIGS].map((table) => {
      return [...table.keys()].filter((name) => !name.startsWith("tarpan.")).length;
    });
    // Kafka has 379 of brokers, 3 quotas and 2 of its authorizer; one is of Kafka before. A topic's
    // internal one is not.
    expect(sizes).toEqual([379 + 3 + 2 + 1, 37, 27]);
    expect(BROKER_CONFIGS.get("log.cleaner.threads")).toMatchObject({
      type: "int",
      fallback: "1",
      update: "cluster-wide",
    });
    expect(BROKER_CONFIGS.get("sasl.jaas.config")?.type).toBe("password");
    expect(BROKER_CONFIGS.get("listener.name.x.gssapi.sasl.jaas.config")?.type).toBe("password");
    expect(BROKER_CONFIGS.get("listener.name.x.nonsense")).toBeUndefined();
    const policy = "group.consumer.migration.policy";
    expect(configProblem(BROKER_CONFIGS, policy, "DISABLED")).toBeNull();
    const { groupConsumerMigrationPolicy } = new ConfigResolver(1, { [policy]: "Upgrade" }).broker(
      EMPTY_IMAGE,
    );
    expect(groupConsumerMigrationPolicy).toBe("upgrade");
  });

  it("give a topic config the default of the broker config it follows", () => {
    for (const { name, fallback, synonyms } of TOPIC_CONFIGS.values()) {
      const known = synonyms.map((synonym) => ({
        ...synonym,
        ...BROKER_CONFIGS.get(synonym.name),
      }));
      for (const synonym of known) expect(synonym.update, synonym.name).toBeDefined();
      const withDefault = known.find((synonym) => synonym.fallback != null);
      if (withDefault === undefined) continue;
      const { factor } = withDefault;
      const scaled =
        factor === 1 ? withDefault.fallback : String(Number(withDefault.fallback) * factor);
      expect(scaled, name).toBe(fallback);
    }
  });

  it("refuse values that break a rule, and name the rule", () => {
    const problems: [string, string, RegExp][] = [
      ["segment.bytes", "14", /at least 1048576/],
      ["segment.bytes", "1.5", /whole number/],
      ["segment.bytes", "4294967296", /32 bits/],
      ["preallocate", "yes", /true or false/],
      ["min.cleanable.dirty.ratio", "1.5", /from 0 to 1/],
      ["min.cleanable.dirty.ratio", "", /a number/],
      ["compression.type", "brotli", /one of .*zstd/],
      ["cleanup.policy", "delete,delete", /twice/],
      ["compression.gzip.level", "0", /from 1 to 9/],
      ["retention.m", "1", /did you mean retention\.ms/],
    ];
    for (const [name, value, text] of problems) {
      expect(configProblem(TOPIC_CONFIGS, name, value)).toMatch(text);
    }
    for (const [name, value] of [
      ["preallocate", "TRUE"],
      ["segment.bytes", " 1048576 "],
      ["cleanup.policy", ""],
      ["cleanup.policy", "compact, delete"],
      ["retention.ms", "-1"],
    ] as const) {
      expect(configProblem(TOPIC_CONFIGS, name, value), name).toBeNull();
    }
  });
});

describe("the effective value", () => {
  const set = (type: number, resource: string, name: string, value: string | null) =>
    configRecord(type, resource, name, value);

  it("is the topic's, else the broker's, else the cluster's, else that given at start", () => {
    const configs = new ConfigResolver(1, { "message.max.bytes": "1" });
    const max = (...records: ReturnType<typeof set>[]) =>
      configs.topic(applyMetadata(EMPTY_IMAGE, records), "t").maxMessageBytes;
    const cluster = set(ResourceType.broker, "", "message.max.bytes", "2");
    const broker = set(ResourceType.broker, "1", "message.max.bytes", "3");
    const other = set(ResourceType.broker, "2", "message.max.bytes", "9");
    const topic = set(ResourceType.topic, "t", "max.message.bytes", "4");
    expect([max(), max(other), max(cluster), max(cluster, broker)]).toEqual([1, 1, 2, 3]);
    expect(max(cluster, broker, topic)).toBe(4);
    expect(new ConfigResolver(1, {}).topic(EMPTY_IMAGE, "t").maxMessageBytes).toBe(1_048_588);
  });

  it("converts hours to ms, and prefers the config in ms", () => {
    const segmentMs = (kafkaConfigs: Record<string, string>) =>
      new ConfigResolver(1, kafkaConfigs).topic(EMPTY_IMAGE, "t").segmentMs;
    expect(segmentMs({})).toBe(604_800_000);
    expect(segmentMs({ "log.roll.hours": "2" })).toBe(7_200_000);
    expect(segmentMs({ "log.roll.hours": "2", "log.roll.ms": "4" })).toBe(4);
  });

  it("is computed once until a config that it depends on changes", () => {
    const configs = new ConfigResolver(1, {});
    const first = applyMetadata(EMPTY_IMAGE, [
      set(ResourceType.topic, "t", "retention.ms", "5"),
      set(ResourceType.broker, "1", "message.max.bytes", "3"),
    ]);
    const known = configs.topic(first, "t");
    const unrelated = applyMetadata(first, [set(ResourceType.topic, "u", "retention.ms", "6")]);
    expect(configs.topic(unrelated, "t")).toBe(known);
    const own = applyMetadata(unrelated, [set(ResourceType.topic, "t", "segment.ms", "7")]);
    expect(configs.topic(own, "t")).toMatchObject({ segmentMs: 7, maxMessageBytes: 3 });
    const all = applyMetadata(own, [set(ResourceType.broker, "1", "message.max.bytes", null)]);
    expect(configs.topic(all, "t")).toMatchObject({ segmentMs: 7, maxMessageBytes: 1_048_588 });
  });

  it("limits Kafka's largest long to a safe integer", () => {
    const { messageTimestampBeforeMaxMs } = new ConfigResolver(1, {}).topic(EMPTY_IMAGE, "t");
    expect(messageTimestampBeforeMaxMs).toBe(Number.MAX_SAFE_INTEGER);
  });
});
