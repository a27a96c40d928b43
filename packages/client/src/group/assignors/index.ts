import { ClientError } from "../../errors.ts";
import type { Assignor } from "./assignor.ts";
import { cooperativeSticky } from "./cooperative-sticky.ts";
import { range } from "./range.ts";
import { roundRobin } from "./round-robin.ts";
import { sticky } from "./sticky.ts";

const BUILT_IN = [range, roundRobin, sticky, cooperativeSticky];

/** The built-in assignors, by Kafka's names. */
export type AssignorName = "range" | "roundrobin" | "sticky" | "cooperative-sticky";

export function assignorsOf(wanted: readonly (AssignorName | Assignor)[]): Assignor[] {
  if (wanted.length === 0)
    throw new ClientError("TARPAN_BAD_OPTION", "a group consumer needs at least one assignor");
  return wanted.map((each) => {
    const found = typeof each === "string" ? BUILT_IN.find(({ name }) => name === each) : each;
    if (found !== undefined) return found;
    const names = BUILT_IN.map(({ name }) => name).join(", ");
    throw new ClientError("TARPAN_BAD_OPTION", `unknown assignor ${each}; there are ${names}`);
  });
}
