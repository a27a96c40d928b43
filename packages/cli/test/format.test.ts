import type { ConsumedRecord } from "@tarpan/client";
import { expect, test } from "vitest";
import { kcatFormat } from "../src/records/format.ts";
import { ndjsonFormat, parseRecord } from "../src/records/ndjson.ts";

const RECORD: ConsumedRecord = {
  topic: "orders",
  partition: 3,
  offset: 42,
  timestamp: 1_700_000_000_000,
  key: Buffer.from("k1"),
  value: Buffer.from("日本"),
  headers: [
    { key: "a", value: Buffer.from("1") },
    { key: "b", value: null },
  ],
};
const EMPTY: ConsumedRecord = { ...RECORD, key: null, value: null, headers: [] };

test.each([
  ["%s\\n", "日本\n"],
  ["%t [%p] %o: %k=%s", "orders [3] 42: k1=日本"],
  ["%T %K %S%n", "1700000000000 2 6\n"],
  ["%h", "a=1,b=NULL"],
  ["100%%\\t|\\x41|\\\\", "100%\t|A|\\"],
  ["plain", "plain"],
])("%j", (format, printed) => expect(kcatFormat(format)(RECORD).toString()).toBe(printed));

test("null key and value are empty, with length -1", () => {
  expect(kcatFormat("[%k|%s|%h] %K %S")(EMPTY).toString()).toBe("[||] -1 -1");
});

test("values are printed byte for byte", () => {
  const value = Buffer.of(0, 255, 10, 128);
  expect([...kcatFormat("%s")({ ...RECORD, value })]).toEqual([...value]);
});

test("an unknown token is refused by its name", () => {
  expect(() => kcatFormat("%x")).toThrow(/--format has %x/);
  expect(() => kcatFormat("50%")).toThrow(/--format has %/);
});

test("parseRecord reads what ndjsonFormat prints", () => {
  const line = ndjsonFormat(RECORD).toString();
  expect(line).toMatch(/^\{.*\}\n$/);
  expect(parseRecord(line, "line 1")).toEqual({
    key: "k1",
    value: "日本",
    headers: [
      { key: "a", value: "1" },
      { key: "b", value: null },
    ],
    partition: 3,
    timestamp: 1_700_000_000_000,
  });
});

test("NDJSON carries bytes that are not UTF-8 as base64", () => {
  const bytes = Buffer.from([0xff, 0xfe, 0]);
  const line = ndjsonFormat({ ...RECORD, key: bytes, value: bytes }).toString();
  expect(JSON.parse(line)).toMatchObject({ keyBase64: "//4A", valueBase64: "//4A" });
  expect(parseRecord(line, "line 1")).toMatchObject({ key: bytes, value: bytes });
});

test.each([
  ['{"value":{"a":1}}', { value: '{"a":1}', key: null }],
  ['{"value":7}', { value: "7" }],
  ['{"key":"k","value":null}', { key: "k", value: null }],
  ['{"value":"v","headers":{"h":"1"}}', { headers: [{ key: "h", value: "1" }] }],
])("%s", (line, record) => expect(parseRecord(line, "line 1")).toMatchObject(record));

test.each([
  ["{", /^line 7: not JSON/],
  ["[]", /must be a JSON object/],
  ['{"key":"k"}', /has no value; a tombstone says "value":null/],
  ['{"valeu":"v"}', /unknown field "valeu"/],
  ['{"value":"v","partition":"0"}', /partition must be a whole number/],
  ['{"value":"v","headers":["h"]}', /headers must be/],
])("%s is refused", (line, message) => expect(() => parseRecord(line, "line 7")).toThrow(message));
