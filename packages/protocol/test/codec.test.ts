import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  ApiVersions,
  apis,
  codecOf,
  type Fetch,
  Heartbeat,
  includes,
  Metadata,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  rangeOf,
  Writer,
} from "../src/index.ts";

test("a codec is compiled once per version, and only for versions of the schema", () => {
  expect(codecOf(Heartbeat, 3)).toBe(codecOf(Heartbeat, 3));
  expect(codecOf(Heartbeat, 3)).not.toBe(codecOf(Heartbeat, 4));
  expect(codecOf(Heartbeat, 3).flexible).toBe(false);
  expect(codecOf(Heartbeat, 4).flexible).toBe(true);
  for (const version of [-1, 5, 1.5, Number.NaN])
    expect(() => codecOf(Heartbeat, version)).toThrow(RangeError);
});

test("every API has its own key and name", () => {
  expect(new Set(apis.map(({ key }) => key)).size).toBe(apis.length);
  expect(new Set(apis.map(({ name }) => name)).size).toBe(apis.length);
  expect(apis.map(({ key }) => key)).toEqual(apis.map(({ key }) => key).sort((a, b) => a - b));
});

test("ranges", () => {
  expect(rangeOf("none")).toEqual({ min: 1, max: 0 });
  expect(rangeOf("3")).toEqual({ min: 3, max: 3 });
  expect(rangeOf("4-17")).toEqual({ min: 4, max: 17 });
  expect(includes("2+", 1)).toBe(false);
  expect(includes("2+", 900)).toBe(true);
  expect(includes("none", 0)).toBe(false);
});

describe("values that a version can't express", () => {
  test("a field the version lacks is not written", () => {
    const sizes = [0, 1].map((version) => {
      const writer = new Writer();
      codecOf(Heartbeat, version).writeResponse(writer, { errorCode: 0, throttleTimeMs: 9 });
      return writer.byteLength;
    });
    expect(sizes).toEqual([2, 6]);
  });

  test("null in a version that does not allow it throws and names the field", () => {
    const topic = { errorCode: 0, name: null, partitions: [] };
    const response = { brokers: [], topics: [topic] };
    expect(() => codecOf(Metadata, 9).writeResponse(new Writer(), response)).toThrow(
      /null in topics\.name/,
    );
    codecOf(Metadata, 12).writeResponse(new Writer(), response);
  });
});

test("types follow the schemas", () => {
  type Partition = RequestOf<typeof Fetch>["topics"][number]["partitions"][number];
  expectTypeOf<Partition["fetchOffset"]>().toEqualTypeOf<number>();
  expectTypeOf<RequestOf<typeof Fetch>["clusterId"]>().toEqualTypeOf<string | null>();
  expectTypeOf<RequestOf<typeof Metadata>["topics"]>().toEqualTypeOf<
    { topicId: string; name: string | null }[] | null
  >();
  expectTypeOf<{ errorCode: number }>().toExtend<ResponseInput<typeof Heartbeat>>();
  // @ts-expect-error errorCode is in every version, so it can't be left out
  const response: ResponseInput<typeof Heartbeat> = {};
  // @ts-expect-error a request's field of another type
  const request: RequestInput<typeof Heartbeat> = { groupId: 1, generationId: 1, memberId: "" };
  expect([response, request]).toHaveLength(2);
});

test("the interpreter is used if code generation is forbidden", () => {
  const script = `
    import { codecOf, ApiVersions, Reader, Writer } from "@tarpan/protocol";
    let generates = true;
    try { new Function(""); } catch { generates = false; }
    const writer = new Writer();
    const response = { errorCode: 0, apiKeys: [], finalizedFeaturesEpoch: 4 };
    codecOf(ApiVersions, 3).writeResponse(writer, response);
    const value = codecOf(ApiVersions, 3).readResponse(new Reader(writer.join()));
    console.log(JSON.stringify({ generates, epoch: value.finalizedFeaturesEpoch }));
  `;
  const forbid = "--disallow-code-generation-from-strings";
  const output = execFileSync(
    process.execPath,
    [forbid, "--conditions=tarpan-source", "--import", "tsx", "--input-type=module", "-e", script],
    { cwd: fileURLToPath(new URL("..", import.meta.url)), encoding: "utf8" },
  );
  expect(JSON.parse(output)).toEqual({ generates: false, epoch: 4 });
  expect(ApiVersions.key).toBe(18);
});
