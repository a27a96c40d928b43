import type { HeldRuntime } from "../held/held-runtime.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { RpcError } from "../rpc/rpc-error.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { AdminError } from "./admin-error.ts";

export interface HeldLeadersParts<R extends HeldRuntime> {
  readonly runtime: R;
  readonly metadata: Pick<Metadata, "image" | "nodeId">;
  /** Null for a standalone broker. */
  readonly rpc: Rpc | null;
}

/** The brokers that lead the partitions of a topic whose messages are held. */
export class HeldLeaders<R extends HeldRuntime> {
  readonly #parts: HeldLeadersParts<R>;
  /** For messages: "delayed messages". */
  readonly #what: string;

  constructor(parts: HeldLeadersParts<R>, what: string) {
    this.#parts = parts;
    this.#what = what;
  }

  /** Asks each of them. Rejects with AdminError. */
  async askAll<T>(
    own: (runtime: R) => Promise<T>,
    other: (rpc: Rpc, brokerId: number) => Promise<T>,
  ): Promise<T[]> {
    const { metadata, rpc, runtime } = this.#parts;
    const partitions = metadata.image.topics.get(runtime.topic)?.partitions ?? [];
    const leaders = new Set(partitions.map(({ leader }) => leader));
    if (leaders.has(-1)) throw this.#unavailable();
    try {
      return await Promise.all(
        [...leaders].map((id) => (id === metadata.nodeId ? this.askOwn(own) : other(rpc!, id))),
      );
    } catch (error) {
      if (error instanceof RpcError) throw this.#unavailable(error);
      throw error;
    }
  }

  /** This broker. Rejects with AdminError. */
  async askOwn<T>(ask: (runtime: R) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#parts.runtime);
    } catch (error) {
      if (error instanceof KafkaError) throw this.#unavailable(error);
      throw error;
    }
  }

  #unavailable(cause?: unknown): AdminError {
    const text = `a partition of ${this.#what} is loading or moving: try again in a moment`;
    return new AdminError("coordinator-not-available", text, { cause });
  }
}
