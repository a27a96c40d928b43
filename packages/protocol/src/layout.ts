import { type Definition, Field, type Fields, type Schema, ZERO_UUID } from "./schema.ts";
import { includes } from "./versions.ts";

/** Rules of a schema at one version, for compile.ts and interpret.ts. */

export const NO_BYTES = new Uint8Array(0);

export function isPresent(definition: Definition, version: number): boolean {
  return definition.versions === undefined || includes(definition.versions, version);
}

export function isNullable(definition: Definition, version: number): boolean {
  return definition.nullable !== undefined && includes(definition.nullable, version);
}

/**
 * The value of a field that was not sent. A new object each time: callers may change what they
 * decode.
 */
export function defaultOf(definition: Definition): unknown {
  if (definition.fallback !== undefined) return definition.fallback;
  switch (definition.kind) {
    case "bool":
      return false;
    case "i64":
      return 0n;
    case "uuid":
      return ZERO_UUID;
    case "string":
      return "";
    case "bytes":
      return NO_BYTES;
    case "array":
      return [];
    case "struct":
      return defaultStruct(definition.of as Fields);
    default:
      return 0;
  }
}

export function defaultStruct(fields: Fields): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const name in fields) value[name] = defaultOf(fields[name]!.definition);
  return value;
}

/**
 * Whether a tagged field has its default value and is not sent. The default of arrays, strings and
 * bytes is null or empty.
 */
export function isDefault(definition: Definition, value: unknown): boolean {
  if (value === undefined) return true;
  const { kind, fallback } = definition;
  if (fallback === null || value === null) return value === fallback;
  if (kind === "array") return (value as unknown[]).length === 0;
  if (kind === "bytes") return (value as Uint8Array).byteLength === 0;
  if (kind !== "struct") return value === defaultOf(definition);
  const fields = definition.of as Fields;
  for (const name in fields) {
    const part = (value as Record<string, unknown>)[name];
    if (!isDefault(fields[name]!.definition, part)) return false;
  }
  return true;
}

/** The size of a value if it is fixed, else 0. */
export function fixedBytes(schema: Schema): number {
  if (!(schema instanceof Field)) return 0;
  switch (schema.definition.kind) {
    case "bool":
    case "i8":
      return 1;
    case "i16":
    case "u16":
      return 2;
    case "i32":
    case "u32":
      return 4;
    case "i64":
    case "offset":
    case "f64":
      return 8;
    case "uuid":
      return 16;
    default:
      return 0;
  }
}

/** The smallest size of a value, at least 1: limits how many elements an array may claim. */
export function minimumBytes(schema: Schema, version: number, flexible: boolean): number {
  if (!(schema instanceof Field)) {
    let total = flexible ? 1 : 0;
    for (const name in schema) {
      const definition = schema[name]!.definition;
      if (definition.tag === undefined && isPresent(definition, version))
        total += minimumBytes(schema[name]!, version, flexible);
    }
    return Math.max(total, 1);
  }
  const { definition } = schema;
  switch (definition.kind) {
    case "string":
      return flexible ? 1 : 2;
    case "bytes":
    case "records":
    case "array":
      return flexible ? 1 : 4;
    case "struct":
      if (isNullable(definition, version)) return 1;
      return minimumBytes(definition.of!, version, flexible);
    default:
      return fixedBytes(schema);
  }
}
