import type { GroupTurn } from "../../turn.ts";
import { topicPattern } from "../regex/topic-pattern.ts";
import type { ResolvedRegex } from "./records.ts";

type World = Pick<GroupTurn, "image" | "wallMs">;

/** The topics there are now that match `regex` as a whole. Throws RegexError. */
export function resolveRegex(regex: string, { image, wallMs }: World): ResolvedRegex {
  const pattern = topicPattern(regex);
  const topics: string[] = [];
  for (const name of image.topics.keys()) if (pattern.matches(name)) topics.push(name);
  return { topics: topics.sort(), timestampMs: wallMs };
}

/** The same after the topics `changed` came, went or grew, without a look at all the others. */
export function resolveAgain(
  regex: string,
  known: ResolvedRegex,
  changed: readonly string[],
  { image, wallMs }: World,
): ResolvedRegex {
  const pattern = topicPattern(regex);
  const topics = new Set(known.topics);
  for (const name of changed) {
    if (image.topics.has(name) && pattern.matches(name)) topics.add(name);
    else topics.delete(name);
  }
  return { topics: [...topics].sort(), timestampMs: wallMs };
}
