import { MAX_PRODUCERS_PER_PARTITION } from "../../partition/limits.ts";
import { EXPIRED_PER_TURN } from "../limits.ts";
import { producerTombstone } from "../model/pending-offsets.ts";
import type { GroupTurn } from "../turn.ts";

/**
 * Forgets producers without an open transaction that did nothing for `producer.id.expiration.ms`.
 * After a jump of the wall clock each has the whole time again.
 */
export function forgetIdleProducers(turn: GroupTurn): void {
  const { pending } = turn.state.offsets;
  const idleSinceMs = turn.wallMs - turn.config.producerIdExpirationMs;
  pending.verifications.expireBefore(idleSinceMs);
  if (turn.jumps.lastMs() > idleSinceMs) return;
  for (const [producerId, producer] of pending.producers) {
    if (turn.records.length >= EXPIRED_PER_TURN) return;
    if (producer.pending.size > 0 || producer.lastMs > idleSinceMs) continue;
    turn.append(producerTombstone(producerId));
  }
}

/** Call before a record that may add `producerId`: there is a limit to what is remembered. */
export function makeRoomFor(producerId: number, turn: GroupTurn): void {
  const { producers } = turn.state.offsets.pending;
  if (producers.size < MAX_PRODUCERS_PER_PARTITION || producers.has(producerId)) return;
  for (const [oldest, { pending }] of producers) {
    if (pending.size > 0) continue;
    turn.append(producerTombstone(oldest));
    return;
  }
}
