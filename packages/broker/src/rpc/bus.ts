/**
 * Messages between the brokers of a cluster that nobody keeps: heartbeats, and calls of the
 * controller. Values are plain (JSON, and Maps).
 */
export interface Bus {
  /** Reaches whoever listens and can be reached now; nobody else, and nobody hears of it. */
  publish(subject: string, message: unknown): void;
  /** Returns the end of the subscription. */
  subscribe(subject: string, listener: (message: unknown) => void): () => void;
  /** Answers requests until the returned function is called. `answer` must not reject. */
  serve(subject: string, answer: (request: unknown) => Promise<unknown>): () => void;
  /** Rejects with BusError. */
  request(subject: string, message: unknown, timeoutMs: number): Promise<unknown>;
}

export class BusError extends Error {
  /** `nobody`: certain that no one has seen the request. `unknown`: it may have been served. */
  readonly kind: "nobody" | "unknown";

  constructor(kind: BusError["kind"], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "BusError";
    this.kind = kind;
  }
}
