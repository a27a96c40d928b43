import type { PlainRecords, RecordError, RecordWalk } from "@tarpan/protocol";
import { recordErrors, shortTextOf, sizeProblem, targetProblem } from "../held/record-problems.ts";
import { HalfHeader } from "./headers.ts";
import { groupProblem } from "./producer-group.ts";

const encoder = new TextEncoder();
const GROUP = encoder.encode(HalfHeader.group);
const RESOLUTION = encoder.encode(HalfHeader.resolution);

/** What is wrong with `count` plain records that a client produces to `__half_messages`. */
export function halfMessageErrors(
  records: PlainRecords,
  count: number,
  _nowMs: number,
  maxMessageBytes: number,
): readonly RecordError[] {
  return recordErrors(records, count, (walk) => {
    return producerGroupProblem(walk) ?? contentProblem(walk, maxMessageBytes);
  });
}

function producerGroupProblem(walk: RecordWalk): string | null {
  const group = walk.header(GROUP);
  if (group === null) return `it has no header ${HalfHeader.group}: who is to be asked?`;
  const wrong = groupProblem(shortTextOf(group));
  return wrong === null ? null : `its ${HalfHeader.group}: ${wrong}`;
}

function contentProblem(walk: RecordWalk, maxMessageBytes: number): string | null {
  const resolution = walk.header(RESOLUTION);
  if (resolution !== null) return resolutionProblem(shortTextOf(resolution));
  if (!walk.isTombstone) return sizeProblem(walk, maxMessageBytes) ?? targetProblem(walk);
  return (
    "it has neither a value nor a resolution: to resolve a half message, send its id as key and " +
    `header ${HalfHeader.resolution} with commit or rollback`
  );
}

function resolutionProblem(text: string): string | null {
  if (text === "commit" || text === "rollback") return null;
  return `its ${HalfHeader.resolution} must be commit or rollback, not '${text}'`;
}
