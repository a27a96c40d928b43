import { encodeBatch, Field, type Fields, includes, type Schema } from "@tarpan/protocol";
import type { SeededRandom } from "../harness/random.ts";

/**
 * Values for any schema: mostly such as clients send, sometimes the limits of the type. Names and
 * ids are those of existing topics and groups, so that requests get past the lookup.
 */
export interface Known {
  readonly names: readonly string[];
  readonly ids: readonly string[];
}

const TEXT = ["", "a", "retention.ms", "1", "-1", "é", "..", "x".repeat(300), "compact"];

export function structOf(
  fields: Fields,
  version: number,
  random: SeededRandom,
  known: Known,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, { definition }] of Object.entries(fields)) {
    if (definition.versions !== undefined && !includes(definition.versions, version)) continue;
    // Sometimes left out, so that tagged fields are sometimes absent.
    if (definition.tag !== undefined && random.chance(2)) continue;
    value[name] = one(fields[name]!, version, random, known);
  }
  return value;
}

function one(schema: Schema, version: number, random: SeededRandom, known: Known): unknown {
  if (!(schema instanceof Field)) return structOf(schema, version, random, known);
  const { kind, nullable, of } = schema.definition;
  if (nullable !== undefined && includes(nullable, version) && random.chance(5)) return null;
  switch (kind) {
    case "bool":
      return random.chance(2);
    case "string":
      return random.chance(3) ? random.pick(TEXT) : random.pick(known.names);
    case "uuid":
      return random.pick(known.ids);
    case "bytes":
      return random.bytes(random.below(40));
    case "records":
      return batch(random);
    case "array":
      return Array.from({ length: random.below(4) }, () => one(of!, version, random, known));
    case "struct":
      return structOf(of as Fields, version, random, known);
    case "f64":
      return random.pick([0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY]);
    default:
      return integer(kind, random);
  }
}

const BITS = { i8: 8, i16: 16, u16: 16, i32: 32, u32: 32, offset: 54 } as const;
const INT64_EDGES = [-(2n ** 63n), 2n ** 63n - 1n];

function integer(kind: keyof typeof BITS | "i64", random: SeededRandom): number | bigint {
  const small = [0, 1, 2, 3, 10, 100, -1, -2];
  if (kind === "i64") return random.pick(random.chance(6) ? INT64_EDGES : small.map(BigInt));
  const signed = kind !== "u16" && kind !== "u32";
  const bits = BITS[kind];
  const highest = 2 ** (signed ? bits - 1 : bits) - 1;
  if (random.chance(6)) return signed && random.chance(2) ? -highest - 1 : highest;
  const value = random.pick(small);
  return signed ? value : Math.abs(value);
}

function batch(random: SeededRandom): Uint8Array {
  const records = Array.from({ length: 1 + random.below(3) }, () => ({
    key: random.chance(3) ? null : random.bytes(random.below(10)),
    value: random.chance(3) ? null : random.bytes(random.below(50)),
    timestamp: 1_700_000_000_000 + random.below(1000),
    headers: random.chance(3) ? [{ key: "header", value: random.bytes(3) }] : [],
  }));
  const idempotent = { producerId: random.below(3), producerEpoch: 0, baseSequence: 0 };
  return encodeBatch(records, random.chance(3) ? idempotent : {});
}
