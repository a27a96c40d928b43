import { expect, test } from "vitest";
import { isLogged, type Logger, silentLogger } from "../../src/logging/logger.ts";

const logger = (level?: string): Logger => ({ ...silentLogger, level: level! });

test.each([
  [undefined, false, true],
  ["trace", true, true],
  ["debug", true, true],
  ["info", false, true],
  ["warn", false, false],
  ["silent", false, false],
  ["verbose", true, true],
])("a logger of level %s is told of debug: %s, of info: %s", (level, debug, info) => {
  expect(isLogged(logger(level), "debug")).toBe(debug);
  expect(isLogged(logger(level), "info")).toBe(info);
});
