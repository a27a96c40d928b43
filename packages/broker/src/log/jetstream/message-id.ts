// `Nats-Msg-Id` of a message of batches. It says what the grammar needs to know of a message
// without trusting a byte of the payload, and it is another one for each place a batch is sent to,
// so that JetStream's memory of ids never answers for a copy of something else.

export interface MessageIdentity {
  readonly writer: string;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

const PATTERN = /^([^.]+)\.(\d+)\.(\d+)\.\d+$/;

export function messageIdOf(
  { writer, baseOffset, nextOffset }: MessageIdentity,
  expectedLastSequence: number,
): string {
  return `${writer}.${baseOffset}.${nextOffset}.${expectedLastSequence}`;
}

/** Null for what holds no batches. */
export function parseMessageId(messageId: string): MessageIdentity | null {
  const match = PATTERN.exec(messageId);
  if (!match) return null;
  return { writer: match[1]!, baseOffset: Number(match[2]), nextOffset: Number(match[3]) };
}

export function markerMessageId(writer: string, expectedLastSequence: number | undefined): string {
  return `${writer}.marker.${expectedLastSequence ?? "any"}`;
}
