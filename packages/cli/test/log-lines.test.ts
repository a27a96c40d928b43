import { expect, test } from "vitest";
import { createLogger, jsonLine, type LogFormat, textLine } from "../src/logging/log-lines.ts";

const WALL_MS = Date.UTC(2026, 10, 20, 19, 36, 41, 5);

function logged(format: LogFormat, level: "debug" | "warn" = "debug") {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  return { lines, log: createLogger({ level, format, wallMs: () => WALL_MS, write }) };
}

test("one JSON object per line, errors with their code and stack", () => {
  const { lines, log } = logged(jsonLine);
  const error = Object.assign(new Error("disk gone"), { code: "EIO" });
  log.error("append failed", { topic: "t", offset: 7n, error });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\{.*\}\n$/);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    time: "2026-11-20T19:36:41.005Z",
    level: "error",
    message: "append failed",
    topic: "t",
    offset: "7",
    error: { message: "disk gone", code: "EIO", stack: expect.stringContaining("disk gone") },
  });
});

test("a plain line for people", () => {
  const { lines, log } = logged(textLine);
  log.warn("slow sync", { ms: 812, path: "/data dir", none: undefined, error: new Error("x y") });
  expect(lines).toEqual(['19:36:41.005 WARN  slow sync  ms=812  path="/data dir"  error="x y"\n']);
});

test.each([
  ["json", jsonLine],
  ["text", textLine],
])("nothing forges a line: %s", (_name, format) => {
  const { lines, log } = logged(format);
  log.info("a\n12:00:00 ERROR forged", { client: "x\ny" });
  expect(lines.join("").match(/\n/g)).toHaveLength(1);
});

test("nothing that a terminal obeys comes from a client", () => {
  const { lines, log } = logged(textLine);
  log.warn("of \u001b[2J\u0007", { clientId: "\u001b]0;x\u0007" });
  expect(lines[0]).toContain('clientId="\\u001b]0;x\\u0007"');
  expect(lines[0]!.trimEnd()).not.toMatch(/\p{Cc}/u);
});

test("events below the level are dropped", () => {
  const { lines, log } = logged(textLine, "warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  expect(lines).toHaveLength(1);
});
