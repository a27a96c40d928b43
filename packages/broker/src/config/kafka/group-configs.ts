// Configs of one group (resource type 32): those of Kafka 4.4's `GroupConfig`, in the form of
// config-lines.ts. Broker configs give most of them their defaults and bounds.

import { BROKER_CONFIGS } from "./broker-configs.ts";
import { definitionsIn } from "./config-lines.ts";
import { type ConfigDefinition, type ConfigTable, configProblem, splitList } from "./definition.ts";
import { type BrokerLayers, brokerValue } from "./resolve.ts";
import type { ConfigValues } from "./set-configs.ts";
import { WHY } from "./why-ignored.ts";

const OBEYED = `
  consumer.heartbeat.interval.ms int 5000 >=1
  consumer.session.timeout.ms int 45000 >=1
`;

// biome-ignore format: one reason after the other
const IGNORED: readonly (readonly [ignored: string, lines: string])[] = [
  [WHY.fixed, `
    consumer.assignment.interval.ms int 1000 >=0
    consumer.assignor.offload.enable boolean true hidden
  `],
  [WHY.share, `
    errors.deadletterqueue.copy.record.enable boolean false
    errors.deadletterqueue.topic.name string ""
    share.assignment.interval.ms int 1000 >=0
    share.assignor.offload.enable boolean true hidden
    share.auto.offset.reset string latest
    share.delivery.count.limit int 5 >=2
    share.heartbeat.interval.ms int 5000 >=1
    share.isolation.level string read_uncommitted read_committed|read_uncommitted
    share.partition.max.record.locks int 2000 >=100
    share.record.lock.duration.ms int 30000 >=1000
    share.renew.acknowledge.enable boolean true
    share.session.timeout.ms int 45000 >=1
  `],
  [WHY.streams, `
    streams.acceptable.recovery.lag long 10000 >=0 hidden
    streams.assignment.interval.ms int 1000 >=0
    streams.assignor.name string -
    streams.assignor.offload.enable boolean true hidden
    streams.heartbeat.interval.ms int 5000 >=1
    streams.initial.rebalance.delay.ms int 3000 >=0
    streams.num.standby.replicas int 0 >=0
    streams.num.warmup.replicas int 2 >=0 hidden
    streams.rack.aware.assignment.tags list ""
    streams.session.timeout.ms int 45000 >=1
    streams.task.offset.interval.ms int 60000 >=1 hidden
  `],
];

const OFFSET_RESET =
  /^(latest|earliest|by_duration:P(?=\w)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/i;

const CHECKS: Readonly<Record<string, ConfigDefinition["check"]>> = {
  "share.auto.offset.reset": (value) =>
    OFFSET_RESET.test(value) ? null : "must be latest, earliest or by_duration:PnDTnHnMnS",
  "errors.deadletterqueue.topic.name": (value) =>
    value.startsWith("__") ? "must not begin with __, as internal topics do" : null,
  "streams.rack.aware.assignment.tags": (value) =>
    new Set(splitList(value)).size === splitList(value).length ? null : "lists a value twice",
};

export const GROUP_CONFIGS: ConfigTable = new Map(
  [
    ...definitionsIn(OBEYED, null),
    ...IGNORED.flatMap(([ignored, lines]) => definitionsIn(lines, ignored)),
  ].map((config) => {
    const { name, check } = config;
    const follows = name === "streams.assignor.name" ? "streams.assignors" : name;
    const synonym = { name: `group.${follows}`, factor: 1 };
    const synonyms = BROKER_CONFIGS.get(synonym.name) === undefined ? [] : [synonym];
    return [name, { ...config, check: CHECKS[name] ?? check, synonyms }];
  }),
);

/** The value for a group that does not set the config; null if there is none. */
export function groupDefault(layers: BrokerLayers, name: string): string | null {
  const { synonyms, fallback } = GROUP_CONFIGS.get(name)!;
  if (synonyms.length === 0) return fallback;
  const value = brokerValue(layers, synonyms[0]!.name);
  return name === "streams.assignor.name" ? (splitList(value ?? "")[0] ?? null) : value;
}

const PAIRS = ["consumer", "share", "streams"].map((kind) => {
  return [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`] as const;
});

/** Why a group can't have these configs under a broker with `layers`; null when it can. */
export function groupConfigProblem(configs: ConfigValues, layers: BrokerLayers): string | null {
  for (const [name, value] of configs) {
    const problem = configProblem(GROUP_CONFIGS, name, value) ?? boundsProblem(name, value, layers);
    if (problem !== null) return problem;
  }
  for (const [session, heartbeat] of PAIRS) {
    if (!configs.has(session) && !configs.has(heartbeat)) continue;
    const inForce = (name: string) => Number(configs.get(name) ?? groupDefault(layers, name));
    if (inForce(session) <= inForce(heartbeat)) return `${session} must be above ${heartbeat}`;
  }
  return null;
}

function boundsProblem(name: string, value: string, layers: BrokerLayers): string | null {
  if (name === "streams.assignor.name") {
    const known = splitList(brokerValue(layers, "group.streams.assignors") ?? "");
    return known.includes(value) ? null : `${name} must be one of ${known.join(", ")}`;
  }
  const { least, most } = boundsOf(name, layers);
  if (!(Number(value) < least) && !(Number(value) > most)) return null;
  const range = least === -Infinity ? `at most ${most}` : `from ${least} to ${most}`;
  return `${name} must be ${range}, as the broker's group configs say`;
}

/** For `consumer.session.timeout.ms`: `group.consumer.min.session.timeout.ms` and `….max.…`. */
function boundsOf(name: string, layers: BrokerLayers): { least: number; most: number } {
  const [kind, ...rest] = name.split(".");
  const what = (rest[0] === "num" ? rest.slice(1) : rest).join(".");
  const bound = (end: string, none: number) => {
    const value = brokerValue(layers, `group.${kind}.${end}.${what}`);
    return value === null ? none : Number(value);
  };
  return { least: bound("min", -Infinity), most: bound("max", Infinity) };
}
