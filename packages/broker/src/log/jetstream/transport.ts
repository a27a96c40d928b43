/**
 * Exactly what the engine needs of JetStream, implemented over a NATS connection and by the tests'
 * model. No method throws or rejects because of a network error.
 */
export interface JetStreamTransport {
  /** Largest message that the servers accept, including headers. */
  readonly maxPayloadBytes: number;
  /**
   * Publishes to a stream. Messages of one subject arrive in call order, or not at all. `settle` is
   * called exactly once, after `publish` has returned.
   */
  publish(message: OutgoingMessage, settle: (outcome: PublishOutcome) => void): void;
  /** Asks the JetStream API: `operation` is the subject without `$JS.API.`. Null: no answer. */
  request(operation: string, body: object | null, timeoutMs: number): Promise<ApiAnswer | null>;
  /**
   * Messages of a stream from `sequence` on, from any replica, which may lag. At least one if the
   * replica has any; there may be more even if fewer than requested are returned. Null: no complete
   * answer.
   */
  readDirect(stream: string, wanted: DirectRead): Promise<readonly StoredMessage[] | null>;
  /** All requests in flight, and all later ones, end at once without an answer. */
  close(): void;
}

export interface OutgoingMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** `Nats-Msg-Id`. */
  readonly messageId: string;
  /** `Nats-Expected-Last-Sequence`, of the stream. */
  readonly expectedLastSequence?: number;
  /** `Nats-Expected-Last-Subject-Sequence`. */
  readonly expectedLastSubjectSequence?: number;
}

export type PublishOutcome =
  | {
      readonly kind: "stored";
      readonly stream: string;
      readonly sequence: number;
    }
  | { readonly kind: "refused"; readonly errorCode: number; readonly description: string }
  /** It may be stored: there was no answer, or an invalid one. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface DirectRead {
  readonly sequence: number;
  readonly messages: number;
  readonly bytes: number;
}

export interface StoredMessage {
  readonly sequence: number;
  /** `Nats-Msg-Id`, empty when it has none. */
  readonly messageId: string;
  readonly payload: Uint8Array;
}

/** The API's JSON answer, with `error` when the request was refused. */
export interface ApiAnswer {
  readonly error?: {
    readonly code: number;
    readonly err_code?: number;
    readonly description?: string;
  };
  readonly [field: string]: unknown;
}

/** Error codes of nats-server (errors.json) that the engine handles. */
export const ErrorCode = {
  clusterNoPeers: 10005,
  clusterNotAvailable: 10008,
  clusterRequired: 10010,
  messageNotFound: 10037,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  replicasNotSupported: 10074,
  streamOffline: 10118,
  streamMoveInProgress: 10124,
  /** Like wrongLastSequence, but its description lacks the last sequence. */
  wrongLastSequenceConstant: 10164,
  /** From nats-server 2.15, while an earlier change of the stream is still carried out. */
  streamReconfigureInProgress: 10226,
} as const;
