export { checkConfig } from "./check.ts";
export { ConfigError } from "./config-error.ts";
export { CONFIG_VARIABLE } from "./keys.ts";
export { type LoadedConfig, type LoggingSettings, loadConfig } from "./load.ts";
export { nodeIdOf } from "./node-id.ts";
export { brokerFlags, type ConfigSources, type FlagHelp } from "./sources.ts";
