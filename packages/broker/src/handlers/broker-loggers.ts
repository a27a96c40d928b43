// The levels of this broker's loggers: Kafka's resource BROKER_LOGGER (KIP-412).
import { ErrorCode } from "@tarpan/protocol";
import { ConfigSource, type DescribedConfig } from "../config/kafka/describe.ts";
import {
  KAFKA_LEVELS,
  type KafkaLevel,
  LOGGER_NAMES,
  type LoggerName,
  type LogLevels,
} from "../logging/log-levels.ts";
import type { Logger } from "../logging/logger.ts";
import { ConfigOperation } from "../metadata/decide-alter-configs.ts";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";

/** Loggers are those of the broker that is asked. */
export function notOwnLogger(resourceName: string, nodeId: number): Outcome | null {
  if (resourceName === String(nodeId)) return null;
  const asked = resourceName === "" ? "a broker's loggers need its id" : `this is broker ${nodeId}`;
  const text = `${asked}: ask the broker itself for its loggers`;
  return refused(ErrorCode.INVALID_REQUEST, text);
}

export function describeLoggers(levels: LogLevels): DescribedConfig[] {
  return LOGGER_NAMES.map((name) => ({
    name,
    value: levels.levelOf(name),
    source: ConfigSource.brokerLogger,
    ...{ readOnly: false, isSensitive: false, synonyms: [] },
    // Kafka gives neither.
    ...{ type: 0, documentation: "" },
  }));
}

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly {
    readonly name: string;
    readonly configOperation: number;
    readonly value: string | null;
  }[];
}

interface Context {
  readonly nodeId: number;
  readonly validateOnly: boolean;
  readonly logLevels: LogLevels;
  readonly logger: Logger;
}

/** Makes all changes of a resource or none. `all` are those of the request. */
export function alterLoggers(resource: Resource, all: readonly Resource[], context: Context) {
  const { resourceType, resourceName, configs } = resource;
  const same = all.filter((one) => {
    return one.resourceType === resourceType && one.resourceName === resourceName;
  });
  if (same.length > 1) {
    return refused(ErrorCode.INVALID_REQUEST, "a resource is named more than once");
  }
  const refusal =
    notOwnLogger(resourceName, context.nodeId) ??
    configs.map((config) => changeRefusal(config, context.logLevels)).find((one) => one !== null);
  if (refusal !== undefined && refusal !== null) return refusal;
  if (new Set(configs.map(({ name }) => name)).size !== configs.length) {
    return refused(ErrorCode.INVALID_REQUEST, "a logger is named more than once");
  }
  if (!context.validateOnly) for (const config of configs) change(config, context);
  return DONE;
}

type Change = Resource["configs"][number];

function changeRefusal(
  { name, configOperation, value }: Change,
  levels: LogLevels,
): Outcome | null {
  const isSet = configOperation === ConfigOperation.set;
  if (!isSet && configOperation !== ConfigOperation.delete) {
    return refused(ErrorCode.INVALID_REQUEST, "a logger's level can only be set or deleted");
  }
  if (!LOGGER_NAMES.some((known) => known === name)) {
    const known = LOGGER_NAMES.join(", ");
    return refused(ErrorCode.INVALID_CONFIG, `there is no logger ${name}; there are ${known}`);
  }
  if (!isSet) {
    if (name !== "root") return null;
    return refused(ErrorCode.INVALID_REQUEST, "the level of the logger root can't be deleted");
  }
  const level = KAFKA_LEVELS.find((known) => known === value);
  if (level === undefined) {
    const text = `the level of ${name} can't be ${value}: it must be ${KAFKA_LEVELS.join(", ")}`;
    return refused(ErrorCode.INVALID_CONFIG, text);
  }
  if (levels.isPossible(level)) return null;
  const text = `the logger that the broker was started with writes no lines of level ${level}`;
  return refused(ErrorCode.INVALID_CONFIG, text);
}

function change({ name, configOperation, value }: Change, { logLevels, logger }: Context): void {
  const isSet = configOperation === ConfigOperation.set;
  logLevels.set(name as LoggerName, isSet ? (value as KafkaLevel) : null);
  logger.warn(`the log level of ${name} is ${isSet ? value : "that of root"} now`);
}
