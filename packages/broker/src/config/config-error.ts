/** A configuration with which the broker can't start; the message is one line: where and why. */
export class ConfigError extends Error {
  readonly code = "TARPAN_CONFIG";

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ConfigError";
  }
}
