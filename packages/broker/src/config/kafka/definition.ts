import { nearest } from "@tarpan/protocol/internal/nearest";

/** Types as DescribeConfigs numbers them (`ConfigDef.Type`, KIP-569). */
export const ConfigType = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
} as const;

export type ConfigTypeName = keyof typeof ConfigType;

/** Where a broker config may be changed at run time (Kafka's `DynamicBrokerConfig`). */
export type UpdateMode = "read-only" | "per-broker" | "cluster-wide";

/** A broker config that gives a topic config its default, and the factor between their units. */
export interface Synonym {
  readonly name: string;
  readonly factor: number;
}

export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigTypeName;
  /** Kafka's default as text; null for none. */
  readonly fallback: string | null;
  /** Checks a value of the right type; null if every such value is valid. */
  readonly check: Check | null;
  readonly doc: string;
  readonly update: UpdateMode;
  readonly synonyms: readonly Synonym[];
  /** Why it has no effect; null when it has one. */
  readonly ignored: string | null;
  /** One of Kafka's internal configs: shown only when it is set. */
  readonly hidden: boolean;
}

export type ConfigTable = ReadonlyMap<string, ConfigDefinition>;

/** Returns the rule that the value breaks ("must be …"); null when it is valid. */
type Check = (value: string) => string | null;

export const atLeast =
  (least: number): Check =>
  (value) =>
    Number(value) >= least ? null : `must be at least ${least}`;

export const between =
  (least: number, most: number): Check =>
  (value) =>
    Number(value) >= least && Number(value) <= most ? null : `must be from ${least} to ${most}`;

export const oneOf =
  (...names: string[]): Check =>
  (value) =>
    names.includes(value) ? null : `must be one of ${names.join(", ")}`;

export const listOf =
  (...names: string[]): Check =>
  (value) => {
    const parts = splitList(value);
    const known = parts.every((part) => names.includes(part));
    if (!known) return `may list only ${names.join(", ")}`;
    return new Set(parts).size === parts.length ? null : "lists a value twice";
  };

/** The items of a list config; an empty text is an empty list. */
export function splitList(value: string): string[] {
  const trimmed = value.trim();
  return trimmed === "" ? [] : trimmed.split(",").map((part) => part.trim());
}

/** Why `name` can't have `value`; null when it can. The text is sent to clients. */
export function configProblem(table: ConfigTable, name: string, value: string): string | null {
  const definition = table.get(name);
  if (definition === undefined) {
    const near = nearest(name, table.keys());
    return `unknown config ${name}${near === null ? "" : `, did you mean ${near}?`}`;
  }
  const rule = typeProblem(definition.type, value.trim()) ?? definition.check?.(value.trim());
  if (!rule) return null;
  const shown = definition.type === "password" ? "" : ` ${value}`;
  return `invalid value${shown} for ${name}: ${rule}`;
}

const INTEGER_BITS = { short: 16, int: 32, long: 64 } as const;

function typeProblem(type: ConfigTypeName, value: string): string | null {
  switch (type) {
    case "boolean":
      return /^(true|false)$/i.test(value) ? null : "must be true or false";
    case "short":
    case "int":
    case "long": {
      if (!/^[+-]?\d+$/.test(value)) return "must be a whole number";
      const bits = INTEGER_BITS[type];
      return BigInt.asIntN(bits, BigInt(value)) === BigInt(value)
        ? null
        : `must fit in ${bits} bits`;
    }
    case "double":
      return value !== "" && Number.isFinite(Number(value)) ? null : "must be a number";
    default:
      return null;
  }
}

/**
 * A numeric config as a number. Kafka's "no limit" of 2^63-1 becomes the largest safe integer,
 * which no offset, size or time reaches either.
 */
export function toNumber(value: string): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
