// Saves checkpoints of any size. A state that is too large for one message is first saved in
// several messages, so that a crash in between leaves the previous checkpoint valid.
import type { LogId } from "../log.ts";
import { encodeCheckpoint, type StreamCheckpoint } from "./checkpoint-format.ts";
import { MESSAGE_BYTES } from "./limits.ts";
import { saveNewer } from "./log-start.ts";
import { type LogOpener, loadCheckpoint } from "./open-log.ts";

/** Saves a checkpoint unless a newer leader has already saved one. */
export async function saveCheckpoint(
  opener: LogOpener,
  id: LogId,
  made: StreamCheckpoint,
): Promise<void> {
  const { checkpoints } = opener;
  const limitBytes = Math.min(MESSAGE_BYTES, checkpoints.maxBytes);
  // A state that is too large already must not be copied only to measure it.
  const whole = made.state.length > limitBytes ? null : encodeCheckpoint(made);
  const fits = whole !== null && whole.length <= limitBytes;
  const saved = fits ? null : await checkpoints.saveParts(id, made.state);
  const payload = fits ? whole : encodeCheckpoint({ ...made, state: NOTHING, parts: saved!.parts });
  let hadParts = false;
  let sequence = 0;
  await saveNewer({
    load: async () => {
      const there = await loadCheckpoint(opener, id);
      hadParts = there.checkpoint?.parts !== undefined;
      return there;
    },
    isNewer: (there) => (there.checkpoint?.position.sequence ?? 0) > made.position.sequence,
    save: async (expected) => {
      sequence = await checkpoints.save("c", id, payload, expected);
      return sequence;
    },
  });
  // This also removes the parts of a save that a crash interrupted.
  if (sequence > 0 && (saved !== null || hadParts)) {
    await checkpoints.forgetParts(id, saved?.firstSequence ?? sequence);
  }
}

/** The state of a checkpoint; null when parts of it are missing. */
export async function loadState(
  { checkpoints, report }: LogOpener,
  id: LogId,
  { offset, state, parts }: StreamCheckpoint,
): Promise<{ offset: number; state: Uint8Array } | null> {
  if (parts === undefined) return { offset, state };
  const whole = await checkpoints.loadParts(id, parts);
  if (whole !== null) return { offset, state: whole };
  report(`log ${id.topic}-${id.partition}: parts of its checkpoint are missing, ignoring it`);
  return null;
}

const NOTHING = new Uint8Array(0);
