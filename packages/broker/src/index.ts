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
export type { BrokerSettings, FlushPolicy } from "./config/settings.ts";
export type { LogFields, Logger, LogLevel } from "./logging/logger.ts";
export { checkNatsServer } from "./nats/check-server.ts";
export type { RunningBroker } from "./runtime/broker-server.ts";
export { Broker, type BrokerOptions } from "./runtime/embedded.ts";
export { type StartOptions, startBroker } from "./runtime/start-broker.ts";
export { nodeText } from "./util/node-text.ts";
export { VERSION } from "./version.ts";
