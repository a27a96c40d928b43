// Checks of arguments and options, run in every public function: callers in plain JavaScript have
// no compiler, and a wrong value would otherwise fail while it is encoded, or not fail at all.

import { nearest } from "@tarpan/protocol/internal/nearest";
import { ClientError } from "../errors.ts";

/** Returns a sentence that says what is wrong with the value called `name`; null if it is right. */
export type Check = (name: string, value: unknown) => string | null;

/** A check for every option. */
export type Checks<Options> = Readonly<Record<keyof Options & string, Check>>;

/** The largest int32, and the longest delay of a timer in ms. */
const MAX_INT32 = 2 ** 31 - 1;

export const nonEmptyString: Check = (name, value) =>
  typeof value === "string" && value !== ""
    ? null
    : mustBe(name, value, "a string that is not empty");

export const anyString: Check = (name, value) =>
  typeof value === "string" ? null : mustBe(name, value, "a string");

export const flag: Check = (name, value) =>
  typeof value === "boolean" ? null : mustBe(name, value, "true or false");

export const byteArray: Check = (name, value) =>
  value instanceof Uint8Array ? null : mustBe(name, value, "a Uint8Array");

export const callback: Check = (name, value) =>
  typeof value === "function" ? null : mustBe(name, value, "a function");

export function integer(min: number, max = MAX_INT32): Check {
  return (name, value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : mustBe(name, value, `a whole number from ${min} to ${max}`);
}

export function oneOf(...values: readonly (string | number)[]): Check {
  return (name, value) =>
    values.includes(value as string) ? null : mustBe(name, value, `one of ${values.join(", ")}`);
}

export function optional(check: Check): Check {
  return (name, value) => (value === undefined ? null : check(name, value));
}

export function nullable(check: Check): Check {
  return (name, value) => (value === null ? null : check(name, value));
}

export function eitherOf(check: Check, other: Check): Check {
  return (name, value) => check(name, value) && other(name, value);
}

export const list: Check = (name, value) =>
  Array.isArray(value) ? null : mustBe(name, value, "an array");

export function listOf(check: Check): Check {
  return (name, value) => {
    if (!Array.isArray(value)) return mustBe(name, value, "an array");
    for (const [index, each] of value.entries()) {
      const problem = check(`${name}[${index}]`, each);
      if (problem !== null) return problem;
    }
    return null;
  };
}

/** An object with any keys, whose values all pass `check`. */
export function mapOf(check: Check): Check {
  return (name, value) => {
    if (!isObject(value)) return mustBe(name, value, "an object");
    return firstProblem(Object.entries(value), (key, each) =>
      check(`${name}[${shown(key)}]`, each),
    );
  };
}

/** An object with these fields; any other fields are allowed. */
export function shape(fields: Readonly<Record<string, Check>>): Check {
  return (name, value) => {
    if (!isObject(value))
      return mustBe(name, value, `an object with ${Object.keys(fields).join(", ")}`);
    return firstProblem(Object.entries(fields), (field, check) =>
      check(`${name}.${field}`, value[field]),
    );
  };
}

/** Throws TARPAN_BAD_ARGUMENT. */
export function check(name: string, value: unknown, ...checks: readonly Check[]): void {
  for (const each of checks) {
    const problem = each(name, value);
    if (problem !== null) throw new ClientError("TARPAN_BAD_ARGUMENT", problem);
  }
}

/** Throws TARPAN_BAD_OPTION, also for an unknown option. Undefined counts as left out. */
export function checkOptions<Options extends object>(
  what: string,
  options: Options,
  checks: Checks<Options>,
  required: readonly (keyof Options)[] = [],
): void {
  const refuse = (problem: string) => new ClientError("TARPAN_BAD_OPTION", `${what}: ${problem}`);
  if (!isObject(options)) throw refuse(mustBe("the options", options, "an object"));
  const known: Readonly<Record<string, Check>> = checks;
  for (const [name, value] of Object.entries(options)) {
    const checked = Object.hasOwn(known, name) ? known[name] : undefined;
    if (checked === undefined) throw refuse(`there is no option ${name}${hint(name, known)}`);
    const problem = value === undefined ? null : checked(name, value);
    if (problem !== null) throw refuse(problem);
  }
  for (const name of required)
    if (options[name] === undefined) throw refuse(`the option ${String(name)} is required`);
}

function hint(name: string, known: Readonly<Record<string, Check>>): string {
  const near = nearest(name, Object.keys(known));
  return near === null ? `; options: ${Object.keys(known).join(", ")}` : `; did you mean ${near}?`;
}

function firstProblem<T>(
  entries: readonly (readonly [string, T])[],
  problemOf: (key: string, value: T) => string | null,
): string | null {
  for (const [key, value] of entries) {
    const problem = problemOf(key, value);
    if (problem !== null) return problem;
  }
  return null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function mustBe(name: string, value: unknown, what: string): string {
  return `${name} must be ${what}, not ${shown(value)}`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
