/** A configuration that can't be started with: the message is one line that says where and what. */
export class ConfigError extends Error {
  readonly code = "TARPAN_CONFIG";

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ConfigError";
  }
}
