export { jsonLine, textLine } from "./formats.ts";
export { createLogger, type Logger, type LogLevel } from "./logger.ts";
