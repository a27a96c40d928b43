// The broker's log as lines: JSON for machines, text for people at a terminal.
import type { LogFields, Logger, LogLevel } from "@tarpan/broker";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** Turns one event into one line, without its newline. */
export type LogFormat = (level: LogLevel, wallMs: number, message: string, f: LogFields) => string;

export interface LoggerOptions {
  /** Events below it are dropped. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Takes one whole line, newline included. */
  readonly write: (line: string) => void;
}

export function createLogger({ level, format, wallMs, write }: LoggerOptions): Logger {
  const lowest = LEVELS.indexOf(level);
  const at =
    (eventLevel: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(eventLevel) < lowest) return;
      write(`${format(eventLevel, wallMs(), message, fields)}\n`);
    };
  return { level, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * One JSON object per line, for machines: `time` (RFC 3339), `level`, `message`, then the fields.
 */
export function jsonLine(
  level: LogLevel,
  wallMs: number,
  message: string,
  fields: LogFields,
): string {
  const event = { time: new Date(wallMs).toISOString(), level, message, ...fields };
  return JSON.stringify(event, (_name, value) => plain(value));
}

/** One line for people: `19:36:41.123 WARN  message  name=value`. */
export function textLine(
  level: LogLevel,
  wallMs: number,
  message: string,
  fields: LogFields,
): string {
  const time = new Date(wallMs).toISOString().slice(11, 23);
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += `  ${name}=${textOf(value)}`;
  }
  return line;
}

function textOf(value: unknown): string {
  if (value instanceof Error) return textOf(value.message);
  const text =
    typeof value === "string" ? value : (JSON.stringify(value, (_n, v) => plain(v)) ?? "");
  return /[\s"=\p{Cc}]/u.test(text) && typeof value === "string" ? JSON.stringify(text) : text;
}

/**
 * Text that came from a client may hold a newline, or what a terminal obeys: neither a log line nor
 * what an operator sees must be forged with it.
 */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

function plain(value: unknown): unknown {
  if (value instanceof Error) {
    const { message, stack } = value;
    return { message, code: (value as { code?: unknown }).code, stack, cause: value.cause };
  }
  return typeof value === "bigint" ? String(value) : value;
}
