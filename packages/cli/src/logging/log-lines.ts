// The broker's log as lines of JSON, which pino writes.
import type { LogFields, Logger, LogLevel } from "@tarpan/broker";
import { pino, stdSerializers } from "pino";

export interface LoggerOptions {
  /** Events below it are dropped. */
  readonly level: LogLevel;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Takes one whole line, newline included, before it returns: a crash loses none. */
  readonly write: (line: string) => void;
}

/** A line has `level`, `time` (RFC 3339), the fields, and `message`. */
export function createLogger({ level, wallMs, write }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    messageKey: "message",
    timestamp: () => `,"time":"${new Date(wallMs()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: plain },
  };
  const log = pino(options, { write });
  const at =
    (eventLevel: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      log[eventLevel](fields, message);
  return { level, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What JSON has no form for: errors under any name, with their causes, and large numbers. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  const values = Object.entries(fields).map(([name, value]) => {
    if (value instanceof Error) return [name, stdSerializers.errWithCause(value)] as const;
    return [name, typeof value === "bigint" ? String(value) : value] as const;
  });
  return Object.fromEntries(values);
}
