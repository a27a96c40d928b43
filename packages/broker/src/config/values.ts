// Parses single values. A file gives typed values, flags and environment give text: every parser
// takes both. It throws ValueError, whose message completes the sentence "<name> …".

export type Parse<T> = (value: unknown) => T;

export class ValueError extends Error {}

const shown = (value: unknown) =>
  typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));

export function refuse(expected: string, value: unknown): never {
  throw new ValueError(`must be ${expected}, not ${shown(value)}`);
}

export const text: Parse<string> = (value) => {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : refuse("a text", value);
};

/** A user who shall be a super user, without the type of a principal. */
export const userName: Parse<string> = (value) => {
  const name = text(value);
  // Lists of super users are separated by semicolons, and their parts are trimmed.
  if (name.includes(";")) refuse("a name without ;", value);
  if (name !== name.trim()) refuse("a name without spaces around it", value);
  if (/\p{Cc}/u.test(name)) refuse("a name without control characters", value);
  if (/^user:/i.test(name)) refuse(`the name alone, ${shown(name.slice(USER_PREFIX))}`, value);
  if (name === "ANONYMOUS") {
    throw new ValueError("must not be ANONYMOUS: that is everybody who has not logged in");
  }
  return name === "*" ? refuse("the name of one user", value) : name;
};

const USER_PREFIX = "User:".length;

export const flag: Parse<boolean> = (value) => {
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  return refuse("true or false", value);
};

export function integer(from: number, to: number = Number.MAX_SAFE_INTEGER): Parse<number> {
  const range = to === Number.MAX_SAFE_INTEGER ? `${from} or more` : `${from} to ${to}`;
  return (value) => {
    const digits = typeof value === "string" && /^-?\d+$/.test(value);
    const number = digits ? Number(value) : value;
    if (!Number.isSafeInteger(number)) refuse(`a whole number, ${range}`, value);
    if ((number as number) < from || (number as number) > to) refuse(range, value);
    return number as number;
  };
}

export function oneOf<const T extends readonly string[]>(...names: T): Parse<T[number]> {
  return (value) =>
    names.includes(value as string) ? (value as T[number]) : refuse(names.join(" | "), value);
}

/** Comma-separated text, or a list. */
export const list: Parse<readonly string[]> = (value) => {
  if (Array.isArray(value)) return value.map((item) => text(item));
  if (value === "" || value === null) return [];
  return text(value)
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
};

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * `10ms`, `5s`, `10m`, `24h`, `7d`, and several in a row (`1h30m`). A bare 0 needs no unit.
 */
export const durationMs: Parse<number> = (value) => {
  if (value === 0 || value === "0") return 0;
  if (typeof value !== "string" || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(value))
    refuse("a duration such as 10ms, 5s, 10m or 24h", value);
  let total = 0;
  for (const [, amount, unit] of (value as string).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return Math.round(total);
};

/** A duration, or a bare number in `unitMs`. */
export function durationOr(unitMs: number): Parse<number> {
  return (value) => {
    const bare = typeof value === "number" || /^\d+$/.test(String(value));
    return bare ? integer(0)(value) * unitMs : durationMs(value);
  };
}

const UNIT_BYTES = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;

/** Bytes, or `64MB`, `64MiB`, `64M`: powers of 1024 in every spelling. */
export const sizeBytes: Parse<number> = (value) => sizeOr(1)(value);

/** A size, where a bare number counts in `unitBytes`. */
export function sizeOr(unitBytes: number): Parse<number> {
  return (value) => {
    const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?b)?)$/i.exec(String(value));
    if (match === null) refuse("a size such as 1048576 or 64MB", value);
    const [, amount, prefix = "", b] = match!;
    const unit = prefix === "" && b === undefined ? unitBytes : unitOf(prefix);
    return Math.round(Number(amount) * unit);
  };
}

function unitOf(prefix: string): number {
  return UNIT_BYTES[prefix.toLowerCase() as keyof typeof UNIT_BYTES];
}
