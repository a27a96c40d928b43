import { expect, test } from "vitest";
import { createLogger } from "../src/logging/log-lines.ts";
import { textLine } from "../src/logging/text-line.ts";

const WALL_MS = Date.UTC(2026, 10, 20, 19, 36, 41, 5);

const jsonLine = (line: string) => line;

function logged(format: (line: string) => string, level: "debug" | "warn" = "debug") {
  const lines: string[] = [];
  const write = (line: string) => {
    lines.push(format === textLine ? `${format(line)}\n` : format(line));
  };
  return { lines, log: createLogger({ level, wallMs: () => WALL_MS, write }) };
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

test("textLine turns an event into a line of text", () => {
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

test("control sequences in a client's text do not reach the terminal", () => {
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

test("writes causes of errors, and values that JSON can't represent", () => {
  const { lines, log } = logged(jsonLine);
  const error = new Error("outer", { cause: new TypeError("inner") });
  const circle: { self?: unknown } = {};
  circle.self = circle;
  log.warn("100%s of it", { error, none: undefined, nested: { offset: 7n }, circle });
  const line = JSON.parse(lines[0]!);
  expect(line).toMatchObject({ message: "100%s of it", nested: { offset: 7 } });
  expect(line.error.cause).toMatchObject({ type: "TypeError", message: "inner" });
  expect(line).not.toHaveProperty("none");
});

test.each(["tarpan: it fails", "{not JSON", '{"time":1,"level":"info","message":"m"}', '"x"', ""])(
  "a line that is not an event stays as it is: %j",
  (line) => expect(textLine(line)).toBe(line),
);

test("the level may change, before the first line and after it", () => {
  const { lines, log } = logged(jsonLine, "warn");
  log.info("not yet");
  log.setLevel!("info");
  expect(log.level).toBe("info");
  log.info("now");
  log.debug("not yet");
  log.setLevel!("debug");
  log.debug("now, too");
  log.setLevel!("error");
  log.warn("not any more");
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(["now", "now, too"]);
});
