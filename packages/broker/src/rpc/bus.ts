/** Carries bytes between the brokers of a cluster. Nothing is stored. */
export interface Bus {
  /** Reaches all subscribers that can be reached now. A loss is not reported. */
  publish(subject: string, frame: Uint8Array): void;
  /** Returns a function that unsubscribes. */
  subscribe(subject: string, listener: (frame: Uint8Array) => void): () => void;
  /** Answers requests until the returned function is called. `answer` must not reject. */
  serve(subject: string, answer: (frame: Uint8Array) => Promise<Uint8Array>): () => void;
  /** Rejects with RpcError; its kind is `not-done` only if certainly no broker got the request. */
  request(subject: string, frame: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}
