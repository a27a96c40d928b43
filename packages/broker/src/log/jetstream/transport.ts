/**
 * What the engine needs of JetStream, and no more: implemented over a NATS connection, and by the
 * model that the tests run on. None of it throws or rejects for what a network may do.
 */
export interface JetStreamTransport {
  /** Largest message the servers take, headers included. */
  readonly maxPayloadBytes: number;
  /**
   * Publishes to a stream. Messages of one subject arrive in call order, or not at all. `settle`
   * is called once and never within the call.
   */
  publish(message: OutgoingMessage, settle: (outcome: PublishOutcome) => void): void;
  /** Asks the JetStream API: `operation` is the subject without `$JS.API.`. Null: no answer. */
  request(operation: string, body: object | null, timeoutMs: number): Promise<ApiAnswer | null>;
  /**
   * Messages of a stream from `sequence` on, from any replica, which may lag. Fewer than asked for
   * (one is sent in any case) says nothing about there being more. Null: no whole answer came.
   */
  readDirect(stream: string, wanted: DirectRead): Promise<readonly StoredMessage[] | null>;
  /** Whoever waits hears at once that no answer came, as does whoever asks from now on. */
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
  /** Stored or not: no answer, or one that does not tell. */
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

/** JSON as the API answers it, with `error` when it refused. */
export interface ApiAnswer {
  readonly error?: {
    readonly code: number;
    readonly err_code?: number;
    readonly description?: string;
  };
  readonly [field: string]: unknown;
}

/** Error codes of nats-server (errors.json) that mean something to the engine. */
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
  /** The same as wrongLastSequence, without the number. */
  wrongLastSequenceConstant: 10164,
} as const;
