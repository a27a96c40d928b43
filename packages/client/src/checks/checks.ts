// What callers hand in is checked where it comes in: JavaScript has no compiler to do it, and
// deeper down a wrong value would be an error of the encoding, or none at all.

import { nearest } from "@tarpan/protocol/internal/nearest";
import { ClientError } from "../errors.ts";

/** A sentence that says what is wrong with the value of that name; null when nothing is. */
export type Check = (name: string, value: unknown) => string | null;

/** One for every option there is. */
export type Checks<Options> = Readonly<Record<keyof Options & string, Check>>;

/** What a timer can wait, ms, and an int32 hold. */
const MAX_INT32 = 2 ** 31 - 1;

export const text: Check = (name, value) =>
  typeof value === "string" && value !== ""
    ? null
    : mustBe(name, value, "a text with something in it");

export const anyText: Check = (name, value) =>
  typeof value === "string" ? null : mustBe(name, value, "a text");

export const flag: Check = (name, value) =>
  typeof value === "boolean" ? null : mustBe(name, value, "true or false");

export const callback: Check = (name, value) =>
  typeof value === "function" ? null : mustBe(name, value, "a function");

export function whole(min: number, max = MAX_INT32): Check {
  return (name, value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : mustBe(name, value, `a whole number from ${min} to ${max}`);
}

export function oneOf(...values: readonly (string | number)[]): Check {
  return (name, value) =>
    values.includes(value as string) ? null : mustBe(name, value, values.join(", "));
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
  Array.isArray(value) ? null : mustBe(name, value, "a list");

export function listOf(check: Check): Check {
  return (name, value) => {
    if (!Array.isArray(value)) return mustBe(name, value, "a list");
    for (const [index, each] of value.entries()) {
      const problem = check(`${name}[${index}]`, each);
      if (problem !== null) return problem;
    }
    return null;
  };
}

/** Any names, each with a value like that. */
export function mapOf(check: Check): Check {
  return (name, value) => {
    if (!isObject(value)) return mustBe(name, value, "an object");
    return firstProblem(Object.entries(value), (key, each) =>
      check(`${name}[${shown(key)}]`, each),
    );
  };
}

/** An object with these fields, and others that do not matter. */
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

/** Throws TARPAN_BAD_OPTION, also for an option that there is none of. Undefined is left out. */
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
    if (options[name] === undefined) throw refuse(`the option ${String(name)} is needed`);
}

function hint(name: string, known: Readonly<Record<string, Check>>): string {
  const near = nearest(name, Object.keys(known));
  return near === null ? `; there are ${Object.keys(known).join(", ")}` : `; did you mean ${near}?`;
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
  if (Array.isArray(value)) return "a list";
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
