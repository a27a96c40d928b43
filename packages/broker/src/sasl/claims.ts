import { TokenError } from "./token-error.ts";

/** What a token says, by the names of RFC 7519. */
export type Claims = Readonly<Record<string, unknown>>;

/** How much of a claim is logged. */
const SHOWN_CHARACTERS = 200;

export function shown(claim: unknown): string {
  const text = JSON.stringify(claim) ?? "missing";
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

/** Throws TokenError without a text that says something. */
export function textClaim(claims: Claims, name: string): string {
  const value = ownClaim(claims, name);
  const text = typeof value === "string" ? trimmed(value) : "";
  if (text === "") throw new TokenError(`its claim ${name} must be a name, not ${shown(value)}`);
  return text;
}

/**
 * As Java trims, and so Kafka: JavaScript's `trim` also takes away spaces of Unicode, with which
 * an issuer may let somebody register a name that looks like another user's.
 */
function trimmed(text: string): string {
  const isBlank = (at: number) => text.charCodeAt(at) <= 0x20;
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(from)) from++;
  while (from < to && isBlank(to - 1)) to--;
  return text.slice(from, to);
}

export function numberClaim(claims: Claims, name: string): number | null {
  const value = ownClaim(claims, name);
  if (value === undefined) return null;
  if (typeof value !== "number") throw new TokenError(`its claim ${name} is not a number`);
  return value;
}

export function expiryMsOf(claims: Claims): number {
  const seconds = numberClaim(claims, "exp");
  if (seconds === null) throw new TokenError("it has no claim exp");
  return seconds * 1_000;
}

/** As in Kafka, a scope is a text or a list, and not checked unless some are required. */
export function checkScopes(claims: Claims, name: string, required: readonly string[]): void {
  const value = ownClaim(claims, name);
  const scopes = typeof value === "string" ? value.trim().split(/\s+/) : value;
  if (!Array.isArray(scopes)) {
    if (value !== undefined) throw new TokenError(`its claim ${name} is not a text or a list`);
    if (required.length > 0) throw insufficient(name, required);
    return;
  }
  if (!required.every((scope) => scopes.includes(scope))) throw insufficient(name, required);
}

function insufficient(name: string, required: readonly string[]): TokenError {
  const all = required.join(" ");
  return new TokenError(`its claim ${name} lacks ${all}`, "insufficient_scope", all);
}

/** A claim may have the name of a method that every object has. */
function ownClaim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}
