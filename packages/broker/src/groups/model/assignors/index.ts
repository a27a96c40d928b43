import type { Assignor } from "./assignor.ts";
import { assignRanges } from "./range.ts";
import { assignUniformly } from "./uniform.ts";

export type { Assignor, AssignorMember, AssignorTopic } from "./assignor.ts";

const assignors: Readonly<Record<string, Assignor>> = {
  uniform: assignUniformly,
  range: assignRanges,
};

/** The configured assignors that exist here; the first is the default. */
export function supportedAssignors(configured: readonly string[]): string[] {
  const known = configured.filter((name) => Object.hasOwn(assignors, name));
  return known.length > 0 ? known : ["uniform"];
}

export function assignorNamed(name: string): Assignor {
  return assignors[name]!;
}
