import { type BatchHeader, ErrorCode } from "@tarpan/protocol";
import { errorCodeOf } from "./log-failure.ts";
import type { EndOfTransaction, MarkerRefusal } from "./markers.ts";
import type { SequenceRefusal } from "./sequences.ts";

export interface AppendOutcome {
  readonly errorCode: ErrorCode;
  /** -1 with an error, and when no one offset says where the originals of a batch's copies are. */
  readonly baseOffset: number;
  readonly message: string | null;
}

export function appendedAt(baseOffset: number): AppendOutcome {
  return { errorCode: ErrorCode.NONE, baseOffset, message: null };
}

/** For an error of the log. */
export function failedAppend(error: unknown): AppendOutcome {
  return refused(errorCodeOf(error), error instanceof Error ? error.message : String(error));
}

export function refusedBatch(header: BatchHeader, verdict: SequenceRefusal): AppendOutcome {
  const { producerId, producerEpoch } = header;
  const producer = `producer ${producerId}`;
  switch (verdict.kind) {
    case "old-epoch":
      return refused(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `${producer} sent epoch ${producerEpoch}, but its current epoch is ${verdict.currentEpoch}`,
      );
    case "out-of-order":
      return refused(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `${producer} sent sequence ${verdict.got} after ${verdict.lastSequence}`,
      );
    case "not-in-transaction":
      return refused(
        ErrorCode.INVALID_TXN_STATE,
        `the partition is not in an ongoing transaction of ${producer}`,
      );
    case "outside-transaction":
      return refused(
        ErrorCode.INVALID_TXN_STATE,
        `${producer} has an open transaction, and this batch does not belong to it`,
      );
  }
}

export function refusedMarker(
  { producerId, producerEpoch, coordinatorEpoch }: EndOfTransaction,
  refusal: MarkerRefusal,
): AppendOutcome {
  const marker = `the marker of producer ${producerId}`;
  if (refusal.kind === "old-coordinator") {
    return refused(
      ErrorCode.TRANSACTION_COORDINATOR_FENCED,
      `${marker} has coordinator epoch ${coordinatorEpoch}, but a newer coordinator wrote here`,
    );
  }
  return refused(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `${marker} has epoch ${producerEpoch}, but its current epoch is ${refusal.currentEpoch}`,
  );
}

function refused(errorCode: ErrorCode, message: string): AppendOutcome {
  return { errorCode, baseOffset: -1, message };
}
