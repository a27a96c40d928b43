import { isLogged, type LogFields, type Logger, type LogLevel } from "./logger.ts";

/** The loggers that a broker has, named after the folders that log. */
export const LOGGER_NAMES = [
  "root",
  "tarpan.audit",
  "tarpan.cluster",
  "tarpan.delayed",
  "tarpan.groups",
  "tarpan.half-messages",
  "tarpan.handlers",
  "tarpan.log",
  "tarpan.nats",
  "tarpan.partition",
  "tarpan.server",
  "tarpan.transactions",
] as const;

export type LoggerName = (typeof LOGGER_NAMES)[number];

/** Kafka's levels, the lowest first. Nothing here logs at the first and the last. */
export const KAFKA_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;

export type KafkaLevel = (typeof KAFKA_LEVELS)[number];

/**
 * The levels of a broker's loggers, which may change while it runs. All of them write with one
 * logger. A logger without a level of its own has that of `root`.
 */
export class LogLevels {
  readonly #base: Logger;
  readonly #loggers: ReadonlyMap<LoggerName, NamedLogger>;
  readonly #own = new Map<LoggerName, KafkaLevel>();

  constructor(base: Logger) {
    this.#base = base;
    this.#loggers = new Map(LOGGER_NAMES.map((name) => [name, new NamedLogger(base, this)]));
    this.#own.set("root", kafkaLevelOf(base.level));
    this.#refresh();
  }

  logger(name: LoggerName): Logger {
    return this.#loggers.get(name)!;
  }

  levelOf(name: LoggerName): KafkaLevel {
    return this.#own.get(name) ?? this.#own.get("root")!;
  }

  /** Whether lines of that level can be had. */
  isPossible(level: KafkaLevel): boolean {
    return this.#base.setLevel !== undefined || isLogged(this.#base, lineLevelOf(level));
  }

  /** Null removes the logger's own level; `root` has always one. */
  set(name: LoggerName, level: KafkaLevel | null): void {
    if (level === null) this.#own.delete(name);
    else this.#own.set(name, level);
    this.#refresh();
    const ranks = LOGGER_NAMES.map((one) => KAFKA_LEVELS.indexOf(this.levelOf(one)));
    this.#base.setLevel?.(lineLevelOf(KAFKA_LEVELS[Math.min(...ranks)]!));
  }

  #refresh(): void {
    for (const [name, logger] of this.#loggers) logger.level = this.levelOf(name).toLowerCase();
  }
}

class NamedLogger implements Logger {
  readonly levels: LogLevels;
  readonly #base: Logger;
  level = "info";

  constructor(base: Logger, levels: LogLevels) {
    this.#base = base;
    this.levels = levels;
  }

  debug(message: string, fields?: LogFields): void {
    if (isLogged(this, "debug")) this.#base.debug(message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (isLogged(this, "info")) this.#base.info(message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (isLogged(this, "warn")) this.#base.warn(message, fields);
  }

  error(message: string, fields?: LogFields): void {
    if (isLogged(this, "error")) this.#base.error(message, fields);
  }
}

/** The broker's logger of that name; `logger` itself if its levels can't be changed. */
export function named(logger: Logger, name: LoggerName): Logger {
  return logger instanceof NamedLogger ? logger.levels.logger(name) : logger;
}

/** The nearest level at which lines are written. */
function lineLevelOf(level: KafkaLevel): LogLevel {
  if (level === "TRACE") return "debug";
  return level === "FATAL" ? "error" : (level.toLowerCase() as LogLevel);
}

/** Levels that Kafka does not have are the next higher one; unknown ones let all lines pass. */
function kafkaLevelOf(level = "info"): KafkaLevel {
  if (level === "silent") return "FATAL";
  const known = KAFKA_LEVELS.find((one) => one.toLowerCase() === level);
  return known ?? "TRACE";
}
