import type { Range } from "./schema.ts";

/** Versions are int16 on the wire. */
const MAX_VERSION = 0x7fff;

/** First and last version of a range; an empty range ends before it starts. */
export function rangeOf(range: Range): { readonly min: number; readonly max: number } {
  if (range === "none") return { min: 1, max: 0 };
  if (range.endsWith("+")) return { min: Number(range.slice(0, -1)), max: MAX_VERSION };
  const [min, max] = range.split("-") as [string, string | undefined];
  return { min: Number(min), max: Number(max ?? min) };
}

export function includes(range: Range, version: number): boolean {
  const { min, max } = rangeOf(range);
  return Number.isInteger(version) && version >= min && version <= max;
}
