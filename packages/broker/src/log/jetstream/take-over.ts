// Takes over a log: after the marker, messages of earlier writers that arrive late do not count.

import { LogError } from "../log-error.ts";
import type { ReplicatedLogOptions } from "../replication.ts";
import { CONDITIONAL_TAKE_OVERS, RETRY_MAX_MS, RETRY_MIN_MS } from "./limits.ts";
import { encodeMarker, type Marker } from "./marker.ts";
import { markerMessageId } from "./message-id.ts";
import type { LogOpener } from "./open-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { NoAnswer } from "./stream-api.ts";
import { subjectOf } from "./stream-config.ts";
import type { PublishOutcome } from "./transport.ts";

/**
 * Reads the log to its end and appends a marker. Resolves to the epoch once the marker was read
 * back and took effect. Rejects with LogError: `fenced` when a newer epoch has written, `busy` when
 * `isStillWanted` returns false.
 */
export async function takeOver(
  opener: LogOpener,
  log: StoredLog,
  { leaderEpoch, isStillWanted }: Pick<ReplicatedLogOptions, "leaderEpoch" | "isStillWanted">,
): Promise<number> {
  const { api } = opener;
  const { stream } = log.reader;
  const writer = Buffer.from(opener.env.random.bytes(8)).toString("hex");
  let paceMs = RETRY_MIN_MS;
  for (let attempt = 0; ; attempt++) {
    const { state } = await api.patiently(() => api.info(stream));
    await api.patiently(() => log.scanThrough(state.last_seq));
    if (log.end.writer === writer) return log.end.epoch;
    const epoch = leaderEpoch ?? log.end.epoch + 1;
    if (epoch < log.end.epoch) throw newerEpoch(log, epoch);
    if (isStillWanted?.() === false)
      throw new LogError("busy", `log ${log.name}: another broker has taken over this log`);
    const expected = log.end.sequence;
    // A former leader that still writes makes the compare-and-set fail again and again. A marker of
    // a newer epoch stops it at any sequence, so it is then written unconditionally.
    const isConditional = attempt < CONDITIONAL_TAKE_OVERS || epoch === log.end.epoch;
    const { nextOffset } = log.end;
    const marker = { epoch, intendedSequence: expected + 1, nextOffset, writer };
    const outcome = await publishMarker(opener, log, marker, isConditional);
    if (outcome.kind === "stored") {
      await api.patiently(() => readBack(log, outcome.sequence, opener));
      if (log.end.writer === writer) return epoch;
      if (log.end.epoch > epoch) throw newerEpoch(log, epoch);
    } else if (outcome.kind === "unknown") {
      await api.wait(paceMs);
      paceMs = Math.min(2 * paceMs, RETRY_MAX_MS);
    }
  }
}

function publishMarker(
  { api }: LogOpener,
  log: StoredLog,
  marker: Marker,
  isConditional: boolean,
): Promise<PublishOutcome> {
  const expected = isConditional ? marker.intendedSequence - 1 : undefined;
  const message = {
    subject: subjectOf(log.id),
    payload: encodeMarker(marker),
    messageId: markerMessageId(marker.writer, expected),
    ...(expected !== undefined && { expectedLastSequence: expected }),
  };
  return new Promise((resolve) => api.transport.publish(message, resolve));
}

/** Reads the log up to the marker, and the marker itself from the Raft leader. */
async function readBack(log: StoredLog, sequence: number, { api }: LogOpener): Promise<void> {
  await log.scanThrough(sequence - 1);
  if (log.end.sequence >= sequence) return;
  const marker = await api.message(log.reader.stream, sequence);
  if (!marker) throw new NoAnswer("STREAM.MSG.GET", "the marker is not there yet");
  log.advance(marker);
}

function newerEpoch(log: StoredLog, epoch: number): LogError {
  const newer = log.end.epoch;
  return new LogError(
    "fenced",
    `log ${log.name}: fenced, leader epoch ${newer} has written since epoch ${epoch}`,
  );
}
