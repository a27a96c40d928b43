import type { DelayedMessages } from "../delayed/delayed-messages.ts";
import type { HeldFilter, HeldMessage } from "../held/waiting-list.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { DELAYED_TOPIC } from "../metadata/topic-names.ts";
import { ChangeHeld, ListHeld } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { RpcError } from "../rpc/rpc-error.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { AdminError } from "./admin-error.ts";
import { askAdmin, serveAdmin } from "./ask-brokers.ts";
import type { DelayedAdmin, DelayedFilter, DelayedMessage } from "./delayed-admin.ts";
import { COORDINATOR_CALL_TIMEOUT_MS } from "./limits.ts";

interface Parts {
  readonly delayed: DelayedMessages;
  readonly metadata: Pick<Metadata, "image" | "nodeId">;
  /** Null for a standalone broker. */
  readonly rpc: Rpc | null;
}

/** Delayed messages: this broker's, in a cluster those of all brokers. */
export class Delayed implements DelayedAdmin {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { rpc } = parts;
    if (rpc === null) return;
    serveAdmin(rpc, ListHeld, { messages: [] }, async (filter) => {
      const messages = await this.#listOwn(filter);
      return { messages: messages.map((one) => ({ ...one, partition: one.partition ?? -1 })) };
    });
    serveAdmin(rpc, ChangeHeld, { found: false }, async ({ id, hurry }) => {
      return { found: await this.#changeOwn(hurry, id) };
    });
  }

  async list(filter: DelayedFilter): Promise<readonly DelayedMessage[]> {
    const { id, topic, limit } = filter;
    const asked: HeldFilter = {
      ...{ topic, limit },
      id: id === null ? null : Buffer.from(id),
      fromMs: filter.fromMs ?? 0,
      toMs: filter.toMs ?? Number.MAX_SAFE_INTEGER,
    };
    const lists = await this.#onLeaders(
      () => this.#listOwn(asked),
      async (rpc, brokerId) => {
        const { messages } = await askAdmin(rpc, ListHeld, brokerId, asked, TIMEOUT_MS);
        return messages.map((one) => ({
          ...one,
          partition: one.partition < 0 ? null : one.partition,
        }));
      },
    );
    const all = lists.flat().sort((a, b) => a.dueMs - b.dueMs);
    return all.slice(0, limit).map(({ id: bytes, dueMs, ...message }) => {
      return { id: Buffer.from(bytes).toString("utf8"), ...message, deliverAt: dueMs };
    });
  }

  cancel(id: string): Promise<void> {
    return this.#change(id, false);
  }

  deliver(id: string): Promise<void> {
    return this.#change(id, true);
  }

  /** Clients choose the partition, and not all in the same way: the id is looked for in all. */
  async #change(text: string, hurry: boolean): Promise<void> {
    const id = Buffer.from(text);
    const found = await this.#onLeaders(
      () => this.#changeOwn(hurry, id),
      async (rpc, brokerId) => {
        const answer = await askAdmin(rpc, ChangeHeld, brokerId, { id, hurry }, TIMEOUT_MS);
        return answer.found;
      },
    );
    if (found.includes(true)) return;
    const why = "it was delivered or cancelled, is on its way, or was never there";
    throw new AdminError("not-found", `no delayed message with the id '${text}' waits: ${why}`);
  }

  /** Asks each broker that leads a partition of the topic. */
  async #onLeaders<T>(
    own: () => Promise<T>,
    other: (rpc: Rpc, brokerId: number) => Promise<T>,
  ): Promise<T[]> {
    const { metadata, rpc } = this.#parts;
    const partitions = metadata.image.topics.get(DELAYED_TOPIC)?.partitions ?? [];
    const leaders = new Set(partitions.map(({ leader }) => leader));
    if (leaders.has(-1)) throw unavailable();
    try {
      return await Promise.all(
        [...leaders].map((id) => (id === metadata.nodeId ? own() : other(rpc!, id))),
      );
    } catch (error) {
      if (error instanceof RpcError) throw unavailable(error);
      throw error;
    }
  }

  #listOwn(filter: HeldFilter): Promise<HeldMessage[]> {
    return this.#own(() => this.#parts.delayed.list(filter));
  }

  #changeOwn(hurry: boolean, id: Uint8Array): Promise<boolean> {
    return this.#own(() => this.#parts.delayed.change(hurry ? "hurried" : "cancelled", id));
  }

  async #own<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof KafkaError) throw unavailable(error);
      throw error;
    }
  }
}

const TIMEOUT_MS = COORDINATOR_CALL_TIMEOUT_MS;

function unavailable(cause?: unknown): AdminError {
  const text = "a partition of delayed messages is loading or moving: try again in a moment";
  return new AdminError("coordinator-not-available", text, { cause });
}
