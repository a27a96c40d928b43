/** Carries bytes between the brokers of a cluster. Nobody keeps them. */
export interface Bus {
  /** Reaches whoever listens and can be reached now; nobody else, and nobody hears of it. */
  publish(subject: string, frame: Uint8Array): void;
  /** Returns the end of the subscription. */
  subscribe(subject: string, listener: (frame: Uint8Array) => void): () => void;
  /** Answers requests until the returned function is called. `answer` must not reject. */
  serve(subject: string, answer: (frame: Uint8Array) => Promise<Uint8Array>): () => void;
  /** Rejects with RpcError: `not-done` is certain that no one has seen the request. */
  request(subject: string, frame: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}
