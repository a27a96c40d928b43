/** Where the broker says what an operator should know. Never on a path taken per record. */
export interface Logger {
  /**
   * The lowest level it writes; `info` when left out. What is below it may be kept from the logger,
   * so that nothing is put together in vain.
   */
  readonly level?: LogLevel;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What goes beside the message. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** For embedded brokers, which say nothing unless they are given a logger. */
export const silentLogger: Logger = {
  level: "error",
  debug() {},
  info() {},
  warn() {},
  error() {},
};
