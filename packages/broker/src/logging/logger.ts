/** Where the broker says what an operator should know. Never on a path taken per record. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What goes beside the message. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** For embedded brokers, which say nothing unless they are given a logger. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
