import type { TakenIds } from "./message-ids.ts";

/** Where the originals of a whole batch begin; -1 when they are not one after the other. */
export function originalsOf(copies: TakenIds["copies"]): number {
  const first = copies.get(0)!;
  for (const [index, offset] of copies) if (offset !== first + index) return -1;
  return first;
}

/** The last offset of the originals, -1 without any. */
export function newestOf(copies: TakenIds["copies"]): number {
  let newest = -1;
  for (const offset of copies.values()) newest = Math.max(newest, offset);
  return newest;
}
