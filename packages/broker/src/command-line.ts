// What the command line of this repository takes from the broker, and nobody else: it may change
// in any version.
export {
  brokerFlags,
  CONFIG_VARIABLE,
  type ConfigSources,
  checkConfig,
  type FlagHelp,
  type LoadedConfig,
  type LoggingSettings,
  loadConfig,
} from "./config/index.ts";
export { listenersOf } from "./config/listeners.ts";
export { checkNatsServerProgram as checkNatsServer } from "./nats/check-server.ts";
export type { RunningBroker } from "./runtime/broker-server.ts";
export { type StartOptions, startBroker } from "./runtime/start-broker.ts";
export { nodeText } from "./util/node-text.ts";
