// The `Nats-Msg-Id` header of a message. It holds everything the grammar needs to know about a
// message of batches, so that a damaged payload cannot mislead it. It also contains the expected
// last sequence, so that JetStream never treats a retry at another sequence as a duplicate.

export interface MessageIdentity {
  readonly writer: string;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

const PATTERN = /^([^.]+)\.(\d+)\.(\d+)\.\d+$/;
const COPY_PATTERN = /^([^.]+)\.copy\.(\d+)\.(\d+)\.\d+$/;

export function messageIdOf(
  { writer, baseOffset, nextOffset }: MessageIdentity,
  expectedLastSequence: number,
): string {
  return `${writer}.${baseOffset}.${nextOffset}.${expectedLastSequence}`;
}

/** Null for a message without batches. */
export function parseMessageId(messageId: string): MessageIdentity | null {
  const match = PATTERN.exec(messageId);
  if (!match) return null;
  return { writer: match[1]!, baseOffset: Number(match[2]), nextOffset: Number(match[3]) };
}

/**
 * The id of a message with copies, which compaction made of older batches. A copy has no offset of
 * its own in the log, so it must not look like a message of batches.
 */
export function copyMessageId(
  { writer: run, baseOffset, nextOffset }: MessageIdentity,
  expectedLastSequence: number,
): string {
  return `${run}.copy.${baseOffset}.${nextOffset}.${expectedLastSequence}`;
}

/** Null for any other message. The writer is the run of compaction. */
export function parseCopyId(messageId: string): MessageIdentity | null {
  const match = COPY_PATTERN.exec(messageId);
  if (!match) return null;
  return { writer: match[1]!, baseOffset: Number(match[2]), nextOffset: Number(match[3]) };
}

export function markerMessageId(writer: string, expectedLastSequence: number | undefined): string {
  return `${writer}.marker.${expectedLastSequence ?? "any"}`;
}
