import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { compileRead, compileWrite } from "../src/compile.ts";
import {
  apis,
  array,
  bool,
  bytes,
  type Fields,
  f64,
  i8,
  i16,
  i64,
  includes,
  metadataRecords,
  ProtocolError,
  Reader,
  rangeOf,
  record,
  string,
  struct,
  u16,
  u32,
  uuid,
  Writer,
} from "../src/index.ts";
import { interpret, type StructCodec } from "../src/interpret.ts";
import { announcedSeed, type Random, seededRandom } from "./support/random.ts";
import { randomBytes, randomStruct } from "./support/values.ts";

const VALUES = 12;
const MUTATIONS = 25;

interface Subject {
  readonly name: string;
  readonly fields: Fields;
  readonly version: number;
  readonly flexible: boolean;
}

/** Features of the schema language that no real message uses. */
const oddities = record({
  key: 0,
  name: "oddities",
  versions: "0-2",
  flexible: "1+",
  fields: {
    unsigned: u32,
    big: i64.default(-5n).in("1+"),
    maybe: struct({ ratio: f64, port: u16 }).nullable("1+"),
    texts: array(string),
    blobs: array(bytes).nullable(),
    nested: array({ deeper: array({ id: uuid, on: bool.default(true) }).nullable("2+") }),
    taggedStruct: struct({ a: i8, b: string.default("x") })
      .nullable()
      .tag(7, "1+"),
    taggedNull: struct({ c: array({ d: i16 }) })
      .nullable()
      .default(null)
      .tag(2, "2+"),
    taggedBytes: bytes.nullable().tag(300, "1+"),
    taggedText: string.default("given").tag(0, "1+"),
    taggedBig: i64.tag(1, "1+"),
    nothing: array({}).in("2+"),
  },
});

/** Every API × version × direction, and every metadata record × version. */
function subjects(): Subject[] {
  const schemas = [
    ...apis.flatMap(({ name, versions, flexible, request, response }) => [
      { name: `${name} request`, versions, flexible, fields: request as Fields },
      { name: `${name} response`, versions, flexible, fields: response as Fields },
    ]),
    ...Object.values(metadataRecords),
    oddities,
  ];
  return schemas.flatMap(({ name, versions, flexible, fields }) => {
    const { min, max } = rangeOf(versions);
    return Array.from({ length: max - min + 1 }, (_, i) => ({
      name: `${name} v${min + i}`,
      fields,
      version: min + i,
      flexible: includes(flexible, min + i),
    }));
  });
}

function engines({ fields, version, flexible }: Subject): [StructCodec, StructCodec] {
  const compiled = {
    read: compileRead(fields, version, flexible),
    write: compileWrite(fields, version, flexible),
  };
  return [interpret(fields, version, flexible), compiled];
}

function encode(codec: StructCodec, value: Record<string, unknown>): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.join();
}

/**
 * Decodes all of the bytes; undefined if they are refused. Only ProtocolError may be thrown.
 */
function decode(codec: StructCodec, bytes: Uint8Array): Record<string, unknown> | undefined {
  const reader = new Reader(bytes);
  try {
    const value = codec.read(reader);
    reader.assertEnd();
    return value;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/**
 * Cuts, flips and inserts bytes: mostly small values and limits of varints, since parsers fail on
 * wrong lengths.
 */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const out = [...bytes];
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(out.length + 1);
    const byte = random.pick([0, 1, 2, 3, 0x7f, 0x80, 0xff, random.below(256)]);
    const how = random.below(4);
    if (how === 0) out.length = at;
    else if (how === 1) out.splice(at, 0, byte);
    else if (how === 2) out.splice(at, 1);
    else if (at < out.length) out[at] = byte;
  }
  return Uint8Array.from(out);
}

function expectSame(what: string, left: unknown, right: unknown): void {
  // isDeepStrictEqual is many times faster than expect; expect then shows the difference.
  if (!isDeepStrictEqual(left, right)) expect(left, what).toEqual(right);
}

test("both engines write the same bytes for legal values, and read them back", () => {
  const seed = announcedSeed("legal values");
  const random = seededRandom(seed);
  for (const subject of subjects()) {
    const [oracle, compiled] = engines(subject);
    for (let i = 0; i < VALUES; i++) {
      const { input, output } = randomStruct(subject.fields, subject.version, random);
      const bytes = encode(oracle, input);
      expectSame(`${subject.name}: bytes`, encode(compiled, input), bytes);
      expectSame(`${subject.name}: interpreted`, decode(oracle, bytes), output);
      expectSame(`${subject.name}: compiled`, decode(compiled, bytes), output);
      expectSame(`${subject.name}: key order`, Object.keys(decode(compiled, bytes)!), [
        ...Object.keys(subject.fields),
      ]);
    }
  }
});

test("both engines refuse any bytes, or read the same value", () => {
  const seed = announcedSeed("any bytes");
  const random = seededRandom(seed);
  let accepted = 0;
  let refused = 0;
  for (const subject of subjects()) {
    const [oracle, compiled] = engines(subject);
    for (let i = 0; i < MUTATIONS; i++) {
      const legal = encode(oracle, randomStruct(subject.fields, subject.version, random).input);
      const bytes = random.chance(0.8)
        ? mutate(legal.subarray(0, 4000), random)
        : randomBytes(random.below(60), random);
      const value = decode(oracle, bytes);
      expectSame(`${subject.name}: ${bytes}`, decode(compiled, bytes), value);
      if (value === undefined) refused += 1;
      else {
        accepted += 1;
        // An accepted value can be encoded again, in canonical form, and is read the same.
        const again = encode(compiled, value);
        expectSame(`${subject.name}: again`, encode(oracle, value), again);
        expectSame(`${subject.name}: meaning`, decode(compiled, again), value);
      }
    }
  }
  expect(accepted).toBeGreaterThan(1000);
  expect(refused).toBeGreaterThan(1000);
});
