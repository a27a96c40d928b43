export { Broker, type BrokerOptions } from "./broker.ts";
export {
  brokerFlags,
  CONFIG_VARIABLE,
  ConfigError,
  type ConfigSources,
  type FlagHelp,
  type LoadedConfig,
  type LoggingSettings,
  loadConfig,
} from "./config/index.ts";
export type { LogFields, Logger, LogLevel } from "./logging/logger.ts";
export { checkNatsServer } from "./nats/check-server.ts";
export { nodeText } from "./node-text.ts";
export type { BrokerSettings, FlushPolicy } from "./settings.ts";
export { type RunningBroker, type StartOptions, startBroker } from "./start-broker.ts";
export { VERSION } from "./version.ts";
