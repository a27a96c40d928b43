import { expect, it } from "vitest";
import { edn, keyword } from "./edn.ts";
import { jepsenHistory } from "./jepsen.ts";
import { A, B, Sample } from "./sample.ts";

it("writes every sort of value", () => {
  expect(edn(null)).toBe("nil");
  expect(edn([true, false])).toBe("[true false]");
  expect(edn([0, -3, 1.5, Number.POSITIVE_INFINITY, Number.NaN])).toBe("[0 -3 1.5 ##Inf ##NaN]");
  expect(edn(keyword("poll-ms"))).toBe(":poll-ms");
  expect(edn({ type: keyword("ok"), value: [] })).toBe("{:type :ok, :value []}");
  expect(edn(new Map([[3, [[0, 1]]]]))).toBe("{3 [[0 1]]}");
  expect(edn(new Map())).toBe("{}");
});

it("escapes strings as Clojure's reader wants them", () => {
  expect(edn('a "b" \\ c')).toBe('"a \\"b\\" \\\\ c"');
  expect(edn("line\nbreak\ttab\r")).toBe('"line\\nbreak\\ttab\\r"');
  expect(edn("\u0000\u001f")).toBe('"\\u0000\\u001f"');
  expect(edn("größe 日本")).toBe('"größe 日本"');
});

it("refuses what is no keyword", () => {
  for (const name of ["", "a b", "1", ":a", 'a"'])
    expect(() => keyword(name)).toThrow("not the name");
});

it("writes a history as jepsen.tests.kafka reads it", () => {
  const sample = new Sample()
    .sent(0, B, 3, 7)
    .failed(1, A, 4, "info")
    .assigned(2, 1, A, B)
    .polled(2, B, [7, 3])
    .committed(2, B, 8);
  expect(jepsenHistory(sample.operations).trimEnd().split("\n")).toEqual([
    "; 0 = topic-0",
    "; 1 = topic-1",
    "{:index 0, :type :invoke, :process 0, :time 0, :f :send, :value [[:send 1 3]]}",
    "{:index 1, :type :ok, :process 0, :time 1, :f :send, :value [[:send 1 [7 3]]]}",
    "{:index 2, :type :invoke, :process 1, :time 2, :f :send, :value [[:send 0 4]]}",
    '{:index 3, :type :info, :process 1, :time 3, :f :send, :value [[:send 0 4]], :error "a reason"}',
    "{:index 4, :type :invoke, :process 2, :time 4, :f :assign, :value [0 1]}",
    "{:index 5, :type :ok, :process 2, :time 5, :f :assign, :value [0 1]}",
    "{:index 6, :type :invoke, :process 2, :time 6, :f :poll, :value [[:poll]]}",
    "{:index 7, :type :ok, :process 2, :time 7, :f :poll, :value [[:poll {1 [[7 3]]}]]}",
    "{:index 8, :type :invoke, :process 2, :time 8, :f :commit, :value {1 8}}",
    "{:index 9, :type :ok, :process 2, :time 9, :f :commit, :value {1 8}}",
  ]);
});
