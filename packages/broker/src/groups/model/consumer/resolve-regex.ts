import type { GroupTurn } from "../../turn.ts";
import { topicPattern } from "../regex/topic-pattern.ts";
import type { ResolvedRegex } from "./records.ts";
import type { MayDescribe } from "./requests.ts";

type World = Pick<GroupTurn, "image" | "wallMs">;

/**
 * The existing topics whose whole name matches `regex`, of those that members may describe. Throws
 * RegexError.
 */
export function resolveRegex(
  regex: string,
  { image, wallMs }: World,
  mayDescribe: MayDescribe | null,
): ResolvedRegex {
  const pattern = topicPattern(regex);
  const topics: string[] = [];
  for (const name of image.topics.keys()) {
    if (pattern.matches(name) && (mayDescribe?.(name) ?? true)) topics.push(name);
  }
  return { topics: topics.sort(), timestampMs: wallMs };
}

/** Updates `known` after the topics `changed` were created or deleted: checks only these. */
export function resolveAgain(
  regex: string,
  known: ResolvedRegex,
  changed: readonly string[],
  { image, wallMs }: World,
  mayDescribe: MayDescribe | null,
): ResolvedRegex {
  const pattern = topicPattern(regex);
  const topics = new Set(known.topics);
  for (const name of changed) {
    const isMatch = image.topics.has(name) && pattern.matches(name);
    if (isMatch && (mayDescribe?.(name) ?? true)) topics.add(name);
    else topics.delete(name);
  }
  return { topics: [...topics].sort(), timestampMs: wallMs };
}
