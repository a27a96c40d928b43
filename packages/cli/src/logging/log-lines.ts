// The broker's log as lines of JSON, which pino writes.
import { createRequire } from "node:module";
import type { LogFields, Logger, LogLevel } from "@tarpan/broker";
import type * as Pino from "pino";

const LEVELS = ["debug", "info", "warn", "error"] as const;

export interface LoggerOptions {
  /** Events below it are dropped. */
  readonly level: LogLevel;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Writes one whole line, newline included, before it returns, so that a crash loses none. */
  readonly write: (line: string) => void;
}

export interface LineLogger extends Logger {
  /** Loads the writer before the first line needs it; a start does not wait for it (ADR 22). */
  load(): void;
}

/** A line has `level`, `time` (RFC 3339), the fields, and `message`. */
export function createLogger(options: LoggerOptions): LineLogger {
  let { level } = options;
  let log: Pino.Logger | null = null;
  const load = () => {
    log ??= createPino({ ...options, level });
    return log;
  };
  const at =
    (eventLevel: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(eventLevel) < LEVELS.indexOf(level)) return;
      load()[eventLevel](fields, message);
    };
  const functions = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
  return {
    get level() {
      return level;
    },
    setLevel(next) {
      level = next;
      if (log !== null) log.level = next;
    },
    load,
    ...functions,
  };
}

function createPino({ level, wallMs, write }: LoggerOptions): Pino.Logger {
  // `require` is the only way to load a module in a synchronous function.
  const { pino, stdSerializers }: typeof Pino = createRequire(import.meta.url)("pino");
  /** Values that JSON can't represent: errors, with their causes, and bigints. */
  const plain = (fields: Record<string, unknown>) => {
    const values = Object.entries(fields).map(([name, value]) => {
      if (value instanceof Error) return [name, stdSerializers.errWithCause(value)] as const;
      return [name, typeof value === "bigint" ? String(value) : value] as const;
    });
    return Object.fromEntries(values);
  };
  const options = {
    level,
    base: null,
    messageKey: "message",
    timestamp: () => `,"time":"${new Date(wallMs()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: plain },
  };
  return pino(options, { write });
}
