// What can be wrong with a record that a client produces, whatever the kind of its message. The
// functions read the walk's current record, and return null if nothing is wrong.
import {
  MAX_RECORD_ERRORS,
  type PlainRecords,
  type RecordError,
  RecordWalk,
} from "@tarpan/protocol";
import { isInternalTopic, topicNameProblem } from "../metadata/topic-names.ts";
import { HeldHeader } from "./headers.ts";
import { DEAD_LETTER_ROOM_BYTES, MAX_ID_BYTES } from "./limits.ts";

const encoder = new TextEncoder();
const TOPIC = encoder.encode(HeldHeader.topic);
const PARTITION = encoder.encode(HeldHeader.partition);
const MOVED_FROM = encoder.encode(HeldHeader.movedFrom);
const walk = new RecordWalk();

/** What is wrong with `count` plain records; `problem` says what is wrong with one. */
export function recordErrors(
  { bytes, start, end }: PlainRecords,
  count: number,
  problem: (walk: RecordWalk) => string | null,
): readonly RecordError[] {
  const errors: RecordError[] = [];
  walk.begin(bytes, start, end, count);
  for (let batchIndex = 0; walk.next() && errors.length < MAX_RECORD_ERRORS; batchIndex++) {
    const message = idProblem(walk) ?? movedProblem(walk) ?? problem(walk);
    if (message !== null) errors.push({ batchIndex, message });
  }
  return errors;
}

function idProblem({ keyStart, keyEnd }: RecordWalk): string | null {
  const idBytes = keyEnd - keyStart;
  if (keyStart < 0 || idBytes === 0) return "it has no key, which is the message's id";
  if (idBytes <= MAX_ID_BYTES) return null;
  return `its key, the message's id, has ${idBytes} bytes: at most ${MAX_ID_BYTES} are allowed`;
}

/** Also of a record that holds nothing: as a moved one it would take a message's place. */
function movedProblem(one: RecordWalk): string | null {
  if (one.header(MOVED_FROM) === null) return null;
  return `only the broker may set ${HeldHeader.movedFrom}`;
}

/** Delivered records are not compressed, and dead letters and checks have more headers. */
export function sizeProblem({ start, end }: RecordWalk, maxMessageBytes: number): string | null {
  const maxBytes = maxMessageBytes - DEAD_LETTER_ROOM_BYTES;
  const sizeBytes = end - start;
  if (sizeBytes <= maxBytes) return null;
  return `it has ${sizeBytes} bytes when it is not compressed: at most ${maxBytes} are allowed`;
}

export function targetProblem(one: RecordWalk): string | null {
  return topicProblem(shortTextOf(one.header(TOPIC))) ?? partitionProblem(one.header(PARTITION));
}

function topicProblem(topic: string): string | null {
  if (topic === "") return `it has no header ${HeldHeader.topic}: where is it to be delivered?`;
  const wrong = topicNameProblem(topic);
  if (wrong !== null) return `its ${HeldHeader.topic}: ${wrong}`;
  return isInternalTopic(topic) ? `its ${HeldHeader.topic} ${topic} is internal` : null;
}

function partitionProblem(partition: Uint8Array | null): string | null {
  const text = shortTextOf(partition);
  if (partition === null || /^\d{1,9}$/.test(text)) return null;
  return `its ${HeldHeader.partition} must be a partition's number, not '${text}'`;
}

/** A long value is cut: it ends up in an error message. */
export function shortTextOf(value: Uint8Array | null): string {
  if (value === null) return "";
  const { buffer, byteOffset, byteLength } = value;
  return Buffer.from(buffer, byteOffset, Math.min(byteLength, 300)).toString("utf8");
}
