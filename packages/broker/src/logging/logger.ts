/** Where the broker says what an operator should know. Never on a path taken per record. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What goes beside the message. An Error is written with its message, code and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

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
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** For embedded brokers, which say nothing unless they are given a logger. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
