import { ErrorCode, TransactionResult } from "@tarpan/protocol";
import { refusedMarker } from "../../partition/append-outcome.ts";
import { type EndOfTransaction, refusalOf } from "../../partition/markers.ts";
import type { GroupOperation } from "../turn.ts";
import { makeRoomFor } from "./forget-producers.ts";

/**
 * Ends a producer's transaction in one partition of `__consumer_offsets`: its pending offsets are
 * committed, or dropped. Also recorded when it has none: an older epoch is fenced from then on.
 * Replies NONE, INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED.
 */
export function endGroupTransaction(end: EndOfTransaction): GroupOperation<ErrorCode> {
  return (turn, reply) => {
    const { producerId, producerEpoch, coordinatorEpoch, isCommit, timestamp } = end;
    const producer = turn.state.offsets.pending.producers.get(producerId);
    const refusal = refusalOf(end, {
      currentEpoch: producer?.epoch ?? -1,
      coordinatorEpoch: producer?.coordinatorEpoch ?? -1,
      isOpen: producer !== undefined && producer.pending.size > 0,
    });
    if (refusal !== null) return turn.reply(reply, refusedMarker(end, refusal).errorCode);
    makeRoomFor(producerId, turn);
    const result = isCommit ? TransactionResult.committed : TransactionResult.aborted;
    turn.append({
      record: "TransactionEnd",
      key: { producerId },
      value: { producerEpoch, coordinatorEpoch, timestamp, result },
    });
    turn.reply(reply, ErrorCode.NONE);
  };
}
