// No setting is ignored silently: the code reads it, or its table says why it has no effect.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { BROKER_CONFIGS } from "../../src/config/kafka/broker-configs.ts";
import type { ConfigDefinition, ConfigTable } from "../../src/config/kafka/definition.ts";
import { describeBroker, describeGroup, describeTopic } from "../../src/config/kafka/describe.ts";
import { GROUP_CONFIGS } from "../../src/config/kafka/group-configs.ts";
import type { BrokerLayers } from "../../src/config/kafka/resolve.ts";
import {
  brokerConfigRefusal,
  ignoredConfigWarnings,
} from "../../src/config/kafka/start-configs.ts";
import { TOPIC_CONFIGS } from "../../src/config/kafka/topic-configs.ts";
import { NO_SECURITY } from "../../src/config/kafka/why-ignored.ts";
import { KEYS, type Key } from "../../src/config/keys.ts";

const root = join(import.meta.dirname, "../../src");
const TABLES = /(-configs|ignored-security|why-ignored|config\/keys)\.ts$/;
const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !TABLES.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
const code = sources.map(({ text }) => text).join("\n");
const typed = sources.find(({ path }) => path.endsWith("kafka/typed.ts"))!.text;
const others = sources.filter(({ path }) => !path.endsWith("kafka/typed.ts"));
const isNamed = (name: string) => code.includes(`"${name}"`);

/** Ignored configs that the code names: it checks or describes them, or uses some values. */
const READ_AND_IGNORED = new Set(["log.flush.scheduler.interval.ms"]);

it("every config of topics, groups and brokers is read, or says why not", () => {
  const obeyedDefaults = new Set(
    [...TOPIC_CONFIGS.values(), ...GROUP_CONFIGS.values()]
      .filter(({ ignored }) => ignored === null)
      .flatMap(({ synonyms }) => synonyms.map(({ name }) => name)),
  );
  const tables = [TOPIC_CONFIGS, GROUP_CONFIGS, BROKER_CONFIGS];
  const neither = tables.flatMap((table) =>
    [...table.values()]
      .filter(({ name, ignored }) => ignored === null && !isNamed(name))
      .filter(({ name }) => !(table === BROKER_CONFIGS && obeyedDefaults.has(name)))
      .map(({ name }) => name),
  );
  expect(neither).toEqual([]);
});

it("a config that is read is not listed as ignored", () => {
  const tables = [TOPIC_CONFIGS, GROUP_CONFIGS, BROKER_CONFIGS];
  const isRead = (name: string) => isNamed(name) && !READ_AND_IGNORED.has(name);
  const both = tables.flatMap((table) =>
    [...table.values()].filter(({ name, ignored }) => ignored !== null && isRead(name)),
  );
  expect(both.map(({ name }) => name)).toEqual([]);
});

/** A value that differs from the default and that the broker accepts, if it accepts any. */
function otherValue({ type, fallback, check }: ConfigDefinition): string {
  const candidates = {
    boolean: ["true", "false"],
    short: ["2", "7"],
    int: ["2", "7", "200", "2500", "20000", "50000", "600000", "9000000"],
    long: ["2", "7"],
    double: ["0.3", "2"],
    list: ["classic", "compact", "ES256", "simple", "a", "broker"],
  }[type as string] ?? ["a", "dlq", "ES256", "SSL", "requested", "read_committed", "none"];
  const fits = (value: string) => value !== fallback && (check?.(value) ?? null) === null;
  return candidates.find(fits) ?? fallback ?? "";
}

it("a broker config without effect is refused at a start, or named in a warning", () => {
  const silent = [...BROKER_CONFIGS.values()].filter((config) => {
    const { name, ignored } = config;
    if (ignored === null) return false;
    if (brokerConfigRefusal(name, otherValue(config)) !== null) return ignored !== NO_SECURITY;
    return ignoredConfigWarnings([name])[0] !== `no effect: ${name}: ${ignored}`;
  });
  expect(silent.map(({ name }) => name)).toEqual([]);
});

it("DescribeConfigs gives the reason of each config without effect", () => {
  const layers: BrokerLayers = { dynamic: new Map(), dynamicDefault: new Map(), fixed: new Map() };
  const all = (table: ConfigTable) => new Map([...table.keys()].map((name) => [name, "7"]));
  const described = [
    [TOPIC_CONFIGS, describeTopic(layers, new Map())],
    [GROUP_CONFIGS, describeGroup(layers, all(GROUP_CONFIGS))],
    [BROKER_CONFIGS, describeBroker({ ...layers, dynamic: all(BROKER_CONFIGS) })],
  ] as const;
  for (const [table, configs] of described) {
    expect(configs.map(({ name }) => name).sort()).toEqual([...table.keys()].sort());
    for (const { name, documentation } of configs) {
      const { ignored } = table.get(name)!;
      const reason = ignored === null ? "has no effect" : `has no effect yet: ${ignored}.`;
      expect(documentation.includes(reason), name).toBe(ignored !== null);
    }
  }
});

it("every typed config is used", () => {
  const fields = [...typed.matchAll(/^ {2}readonly (\w+):/gm)].map(([, field]) => field!);
  expect(fields.length).toBeGreaterThan(30);
  const isUsed = (field: string) =>
    others.some(({ text }) => new RegExp(`[.\\s{]${field}\\b`).test(text));
  expect(fields.filter((field) => !isUsed(field))).toEqual([]);
});

it("every key of Tarpan is read, or says why not", () => {
  const excused = ({ ignored, ignoredInCluster }: Key) =>
    ignored !== undefined && ignoredInCluster !== null;
  const isRead = (name: string) =>
    isNamed(name) || new RegExp(`(values\\.${name}\\b|^ +${name}: )`, "m").test(code);
  const neither = Object.entries(KEYS).filter(([name, key]) => !excused(key) && !isRead(name));
  expect(neither.map(([name]) => name)).toEqual([]);
});

it("what a broker reads once, when it is wired, can't be changed while it runs", () => {
  const wiring = sources.find(({ path }) => path.endsWith("runtime/broker-server.ts"))!.text;
  const fields = [...typed.matchAll(/^ {4}(\w+):[^"]*?"([a-z.]+)"/gm)];
  const readOnce = fields.filter(([, field]) => new RegExp(`\\b${field}\\b`).test(wiring));
  expect(readOnce.map(([, , name]) => name)).toContain("connections.max.idle.ms");
  const mayChange = readOnce.filter(([, , name]) => {
    return BROKER_CONFIGS.get(name!)?.update !== "read-only";
  });
  expect(mayChange.map(([, , name]) => name)).toEqual([]);
});
