// Finds out whether a message of appends was stored.
//
// The same compare-and-set is sent again until its outcome is certain. The errors 10071 and 10164
// only say that the sequence was taken when the Raft leader checked. It may have been taken by this
// very message (JetStream forgets message ids), by a proposal that may never be committed, or by
// another writer.
import { LogError } from "../log-error.ts";
import { LogGrammar } from "./grammar.ts";
import { MISSING_CONFIRMED_MS, RETRY_MAX_MS, RETRY_MIN_MS } from "./limits.ts";
import type { MessageSender, PendingMessage } from "./pending-message.ts";
import { ShorterStream } from "./shorter-stream.ts";
import { isRefusal, NoAnswer } from "./stream-api.ts";
import {
  ErrorCode,
  type OutgoingMessage,
  type PublishOutcome,
  type StoredMessage,
} from "./transport.ts";

export type Verdict =
  | { readonly kind: "stored" }
  | { readonly kind: "failed"; readonly error: LogError };

/** Has no deadline: it ends when the outcome is known, or the log or the engine is closed. */
export async function resolveMessage(
  sender: MessageSender,
  message: PendingMessage,
): Promise<Verdict> {
  const { api, log } = sender.parts;
  const { stream } = log.reader;
  const shorter = new ShorterStream({ api, stream, report: log.report });
  let missingSinceMs: number | null = null;
  for (let paceMs = RETRY_MIN_MS; !sender.failure; paceMs = Math.min(2 * paceMs, RETRY_MAX_MS)) {
    const outcome = await publish(sender, message);
    if (outcome.kind === "stored") {
      const wrong = sender.wrongPlace(message, outcome);
      return wrong ? { kind: "failed", error: wrong } : { kind: "stored" };
    }
    if (api.isClosed) return { kind: "failed", error: unconfirmed(log.name) };
    if (isTaken(outcome)) {
      const found = await findOutcome(sender, message, shorter);
      if (found === "stored") return { kind: "stored" };
      if (found === "fenced") return { kind: "failed", error: fenced(sender) };
      if (found === "void") {
        // A message that does not belong to the log has this sequence: try the next one.
        message.sequence += 1;
        paceMs = RETRY_MIN_MS / 2;
        continue;
      }
    } else if (outcome.kind === "refused" && paceMs === RETRY_MAX_MS)
      log.report(
        `log ${log.name}: the NATS servers refuse an append, retrying: ${outcome.description}`,
      );
    else if (outcome.kind === "unknown" && paceMs === RETRY_MAX_MS) {
      // No server answers: the stream elects a leader, or does not exist any more.
      if (!(await isMissing(sender))) missingSinceMs = null;
      else missingSinceMs ??= api.monotonicMs();
      if (missingSinceMs !== null && api.monotonicMs() - missingSinceMs >= MISSING_CONFIRMED_MS) {
        return { kind: "failed", error: streamGone(sender) };
      }
    }
    await api.wait(paceMs);
  }
  return { kind: "failed", error: sender.failure! };
}

export function unconfirmed(logName: string): LogError {
  const what = `log ${logName} was closed before an append was confirmed`;
  return new LogError("unknown", `${what}: it may be stored or not`);
}

/** Whether the stream is gone. Only the leader of the servers' meta group can say so. */
async function isMissing({ parts: { api, log } }: MessageSender): Promise<boolean> {
  try {
    await api.info(log.reader.stream);
    return false;
  } catch (error) {
    if (error instanceof NoAnswer) return false;
    if (isRefusal(error, ErrorCode.streamNotFound)) return true;
    throw error;
  }
}

function streamGone({ parts: { log } }: MessageSender): LogError {
  return new LogError(
    "missing",
    `stream ${log.reader.stream} of log ${log.name} no longer exists: restore it from a ` +
      "backup, or delete the topic; the broker does not create it again",
  );
}

function publish(sender: MessageSender, message: PendingMessage): Promise<PublishOutcome> {
  const { api } = sender.parts;
  return new Promise((resolve) => api.transport.publish(sender.outgoing(message), resolve));
}

function isTaken(outcome: PublishOutcome): boolean {
  if (outcome.kind !== "refused") return false;
  const { errorCode } = outcome;
  return (
    errorCode === ErrorCode.wrongLastSequence || errorCode === ErrorCode.wrongLastSequenceConstant
  );
}

type Finding = "stored" | "fenced" | "void" | "absent" | "unknown";

/**
 * What the Raft leader has at the message's sequence. Rejects with LogError `offline` when the
 * stream has lost the messages before it.
 */
async function findOutcome(
  sender: MessageSender,
  message: PendingMessage,
  shorter: ShorterStream,
): Promise<Finding> {
  const { api, log } = sender.parts;
  const { stream } = log.reader;
  try {
    const stored = await api.message(stream, message.sequence);
    if (stored === null) {
      const info = await api.info(stream);
      if (info.state.first_seq > message.sequence) return await resolveTrimmed(sender, message);
      const isShorter = await shorter.isShorter(info, message.sequence - 1);
      return isShorter ? "unknown" : "absent";
    }
    const before = new LogGrammar({ ...log.end.position, sequence: message.sequence - 1 });
    const meaning = before.accept(stored);
    if (meaning.kind === "take-over") {
      const isOurs = message.kind === "marker" && before.writer === message.writer;
      return isOurs ? "stored" : "fenced";
    }
    if (isSame(stored, sender.outgoing(message))) return "stored";
    if (meaning.kind === "void") return "void";
    throw new LogError(
      "offline",
      `stream ${stream}: message ${message.sequence} has this writer's id, but other batches`,
    );
  } catch (error) {
    if (error instanceof NoAnswer) return "unknown";
    throw error;
  }
}

function isSame(stored: StoredMessage, { messageId, payload }: OutgoingMessage): boolean {
  return stored.messageId === messageId && Buffer.compare(stored.payload, payload) === 0;
}

/** The sequence was trimmed away by an earlier or a later leader; the saved start tells which. */
async function resolveTrimmed(sender: MessageSender, message: PendingMessage): Promise<Finding> {
  const { log } = sender.parts;
  const position = (await log.loadStart())?.position;
  if (!position || position.sequence < message.sequence) return "unknown";
  // Whether a copy was stored before it was trimmed does not matter: it is sent again.
  if (message.kind === "copy") return position.writer === log.end.writer ? "void" : "fenced";
  // If this writer was still the current one there, it appended this message's offsets.
  const isOurs = position.writer === message.writer && position.nextOffset >= message.nextOffset;
  return isOurs ? "stored" : "fenced";
}

function fenced(sender: MessageSender): LogError {
  const { log } = sender.parts;
  return new LogError("fenced", `log ${log.name}: another broker took over its leadership`);
}
