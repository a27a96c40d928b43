export { ConfigError } from "./config/index.ts";
export type { FlushPolicy } from "./config/settings.ts";
export type { LogFields, Logger, LogLevel } from "./logging/logger.ts";
export { Broker, type BrokerOptions } from "./runtime/embedded.ts";
export { VERSION } from "./version.ts";
