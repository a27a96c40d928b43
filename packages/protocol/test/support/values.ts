import { defaultOf, isNullable, isPresent } from "../../src/layout.ts";
import { type Definition, Field, type Fields, type Schema } from "../../src/schema.ts";
import type { Random } from "./random.ts";

type Struct = Record<string, unknown>;

/** A value to encode, and what decoding its bytes must give. */
export interface Sample<T = unknown> {
  readonly input: T;
  readonly output: T;
}

const same = (value: unknown): Sample => ({ input: value, output: value });

const WORDS = [
  "",
  "t",
  "orders",
  "größe",
  "日本語の話題",
  "a\u0000b",
  "🦔",
  "x".repeat(63),
  "y".repeat(130),
];
const I8 = [0, 1, -1, 127, -128];
const I16 = [0, 1, -1, 0x7fff, -0x8000, 258];
const I32 = [0, 1, -1, 0x7fffffff, -0x80000000, 65539];
const SAFE = [0, 1, -1, 2 ** 31, 2 ** 32 + 5, -(2 ** 40), 2 ** 53 - 1, -(2 ** 53)];
const I64 = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n];

/** A random value that is legal for the fields at the version. */
export function randomStruct(fields: Fields, version: number, random: Random): Sample<Struct> {
  const input: Struct = {};
  const output: Struct = {};
  for (const name in fields) {
    const { definition } = fields[name]!;
    const optional = definition.fallback !== undefined || definition.versions !== undefined;
    if (!isPresent(definition, version) || (optional && random.chance(0.3))) {
      output[name] = defaultOf(definition);
      continue;
    }
    const sample = randomValue(fields[name]!, version, random);
    input[name] = sample.input;
    output[name] = sample.output;
  }
  return { input, output };
}

function randomValue(schema: Schema, version: number, random: Random): Sample {
  if (!(schema instanceof Field)) return randomStruct(schema, version, random);
  const { definition } = schema;
  if (isNullable(definition, version) && random.chance(0.25)) return same(null);
  switch (definition.kind) {
    case "array": {
      const length = random.pick([0, 1, 1, 2, 3]);
      const samples = Array.from({ length }, () => randomValue(definition.of!, version, random));
      return { input: samples.map((s) => s.input), output: samples.map((s) => s.output) };
    }
    case "struct":
      return randomStruct(definition.of as Fields, version, random);
    case "records":
      return randomRecords(random);
    default:
      return same(randomScalar(definition, random));
  }
}

function randomRecords(random: Random): Sample {
  const slices = Array.from({ length: random.below(3) }, () =>
    randomBytes(random.pick([0, 5, 1023, 1024, 3000]), random),
  );
  const output = new Uint8Array(slices.flatMap((slice) => [...slice]));
  return { input: random.chance(0.5) ? slices : output, output };
}

function randomScalar({ kind }: Definition, random: Random): unknown {
  switch (kind) {
    case "bool":
      return random.chance(0.5);
    case "i8":
      return random.pick(I8);
    case "i16":
      return random.pick(I16);
    case "u16":
      return random.pick([0, 1, 0xffff]);
    case "i32":
      return random.pick(I32);
    case "u32":
      return random.pick([0, 1, 0xffffffff]);
    case "i64":
      return random.pick(I64);
    case "f64":
      return random.pick([0, -1.5, 1e300, Number.POSITIVE_INFINITY]);
    case "uuid":
      return randomUuid(random);
    case "string":
      return random.pick(WORDS);
    case "bytes":
      return randomBytes(random.pick([0, 1, 200, 2000]), random);
    default:
      return random.pick(SAFE);
  }
}

export function randomBytes(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

function randomUuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => random.below(16).toString(16)).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
