import {
  ErrorCode,
  MAX_RECORD_ERRORS,
  type PlainRecords,
  type RecordError,
  RecordWalk,
} from "@tarpan/protocol";
import { MOVED_FROM_HEADER } from "../held/held-state.ts";
import { isInternalTopic, topicNameProblem } from "../metadata/topic-names.ts";
import { delayMsOf, deliverAtOf } from "./due.ts";
import { DelayedHeader } from "./headers.ts";
import { DEAD_LETTER_ROOM_BYTES, MAX_ID_BYTES } from "./limits.ts";

const encoder = new TextEncoder();
const TOPIC = encoder.encode(DelayedHeader.topic);
const PARTITION = encoder.encode(DelayedHeader.partition);
const DELIVER_AT = encoder.encode(DelayedHeader.deliverAt);
const DELAY = encoder.encode(DelayedHeader.delay);
const MOVED_FROM = encoder.encode(MOVED_FROM_HEADER);
const walk = new RecordWalk();

/** Of a record; INVALID_RECORD without a code of its own. */
type FoundError = RecordError & { readonly errorCode?: ErrorCode };

/**
 * What is wrong with `count` plain records that a client produces to `__delayed`. `mayWrite` is
 * null without ACLs.
 */
export function delayedErrors(
  { bytes, start, end }: PlainRecords,
  count: number,
  nowMs: number,
  maxMessageBytes: number,
  mayWrite: ((topic: string) => boolean) | null = null,
): readonly FoundError[] {
  const maxBytes = maxMessageBytes - DEAD_LETTER_ROOM_BYTES;
  const errors: FoundError[] = [];
  walk.begin(bytes, start, end, count);
  for (let batchIndex = 0; walk.next() && errors.length < MAX_RECORD_ERRORS; batchIndex++) {
    const own = idProblem() ?? movedProblem() ?? sizeProblem(maxBytes);
    const message = own ?? (walk.isTombstone ? null : problem(nowMs));
    if (message !== null) errors.push({ batchIndex, message });
    else if (!walk.isTombstone && mayWrite !== null) {
      const topic = textOf(walk.header(TOPIC));
      if (!mayWrite(topic)) errors.push({ batchIndex, ...denied(topic) });
    }
  }
  return errors;
}

function denied(topic: string): Omit<FoundError, "batchIndex"> {
  const message = `the client may not write to its ${DelayedHeader.topic}, ${topic}`;
  return { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, message };
}

/** Of the walk's current record, as are those below. */
function idProblem(): string | null {
  const idBytes = walk.keyEnd - walk.keyStart;
  if (walk.keyStart < 0 || idBytes === 0) return "it has no key, which is the message's id";
  if (idBytes <= MAX_ID_BYTES) return null;
  return `its key, the message's id, has ${idBytes} bytes: at most ${MAX_ID_BYTES} are allowed`;
}

/** Delivered records are not compressed. */
function sizeProblem(maxBytes: number): string | null {
  const sizeBytes = walk.end - walk.start;
  if (sizeBytes <= maxBytes) return null;
  return `it has ${sizeBytes} bytes when it is not compressed: at most ${maxBytes} are allowed`;
}

/** Also of a tombstone: as a moved message it would take the place of the one that waits. */
function movedProblem(): string | null {
  return walk.header(MOVED_FROM) === null ? null : `only the broker may set ${MOVED_FROM_HEADER}`;
}

function problem(nowMs: number): string | null {
  return topicProblem() ?? partitionProblem() ?? timeProblem(nowMs);
}

function topicProblem(): string | null {
  const topic = textOf(walk.header(TOPIC));
  if (topic === "") return `it has no header ${DelayedHeader.topic}: where is it to be delivered?`;
  const wrong = topicNameProblem(topic);
  if (wrong !== null) return `its ${DelayedHeader.topic}: ${wrong}`;
  return isInternalTopic(topic) ? `its ${DelayedHeader.topic} ${topic} is internal` : null;
}

function partitionProblem(): string | null {
  const header = walk.header(PARTITION);
  if (header === null || /^\d{1,9}$/.test(textOf(header))) return null;
  return `its ${DelayedHeader.partition} must be a partition's number, not '${textOf(header)}'`;
}

function timeProblem(nowMs: number): string | null {
  const at = walk.header(DELIVER_AT);
  const delay = walk.header(DELAY);
  if (at !== null && delay !== null) {
    return `it has ${DelayedHeader.deliverAt} and ${DelayedHeader.delay}: use one of them`;
  }
  if (at === null && delay === null) {
    return `it has neither ${DelayedHeader.deliverAt} nor ${DelayedHeader.delay}`;
  }
  const result = at === null ? delayMsOf(textOf(delay)) : deliverAtOf(textOf(at), nowMs);
  return typeof result === "string" ? result : null;
}

/** A long value is cut: it ends up in an error message. */
function textOf(value: Uint8Array | null): string {
  return value === null ? "" : Buffer.from(value.subarray(0, 300)).toString("utf8");
}
