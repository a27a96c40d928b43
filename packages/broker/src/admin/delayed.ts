import type { DelayedMessages } from "../delayed/delayed-messages.ts";
import type { HeldFilter, HeldMessage } from "../held/waiting-list.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { ChangeHeld, ListHeld } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { AdminError } from "./admin-error.ts";
import { askAdmin, serveAdmin } from "./ask-brokers.ts";
import type { DelayedAdmin, DelayedFilter, DelayedMessage } from "./delayed-admin.ts";
import { HeldLeaders } from "./held-leaders.ts";
import { COORDINATOR_CALL_TIMEOUT_MS } from "./limits.ts";

interface Parts {
  readonly delayed: DelayedMessages;
  readonly metadata: Pick<Metadata, "image" | "nodeId">;
  /** Null for a standalone broker. */
  readonly rpc: Rpc | null;
}

/** What is listed of a message. */
type Listed = Pick<HeldMessage, "id" | "topic" | "partition" | "dueMs" | "sizeBytes">;

/** Delayed messages: this broker's, in a cluster those of all brokers. */
export class Delayed implements DelayedAdmin {
  readonly #leaders: HeldLeaders<DelayedMessages>;

  constructor({ delayed: runtime, metadata, rpc }: Parts) {
    this.#leaders = new HeldLeaders({ runtime, metadata, rpc }, "delayed messages");
    if (rpc === null) return;
    serveAdmin(rpc, ListHeld, { messages: [] }, async (filter) => {
      const messages = await this.#leaders.askOwn((own) => own.list({ ...filter, group: null }));
      return { messages: messages.map((one) => ({ ...one, partition: one.partition ?? -1 })) };
    });
    serveAdmin(rpc, ChangeHeld, { found: false }, async ({ id, hurry }) => {
      return { found: await this.#leaders.askOwn((own) => change(own, id, hurry)) };
    });
  }

  async list(filter: DelayedFilter): Promise<readonly DelayedMessage[]> {
    const { id, topic, limit } = filter;
    const asked: HeldFilter = {
      ...{ topic, limit, group: null },
      id: id === null ? null : Buffer.from(id),
      fromMs: filter.fromMs ?? 0,
      toMs: filter.toMs ?? Number.MAX_SAFE_INTEGER,
    };
    const lists = await this.#leaders.askAll<readonly Listed[]>(
      (own) => own.list(asked),
      async (rpc, brokerId) => {
        const { messages } = await askAdmin(rpc, ListHeld, brokerId, asked, TIMEOUT_MS);
        return messages.map((one) => ({
          ...one,
          partition: one.partition < 0 ? null : one.partition,
        }));
      },
    );
    const all = lists.flat().sort((a, b) => a.dueMs - b.dueMs);
    return all.slice(0, limit).map(({ id: bytes, topic, partition, dueMs, sizeBytes }) => {
      const own = Buffer.from(bytes).toString("utf8");
      return { id: own, topic, partition, deliverAt: dueMs, sizeBytes };
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
    const found = await this.#leaders.askAll(
      (own) => change(own, id, hurry),
      async (rpc, brokerId) => {
        const answer = await askAdmin(rpc, ChangeHeld, brokerId, { id, hurry }, TIMEOUT_MS);
        return answer.found;
      },
    );
    if (found.includes(true)) return;
    const why = "it was delivered or cancelled, is on its way, or was never there";
    throw new AdminError("not-found", `no delayed message with the id '${text}' waits: ${why}`);
  }
}

const TIMEOUT_MS = COORDINATOR_CALL_TIMEOUT_MS;

function change(own: DelayedMessages, id: Uint8Array, hurry: boolean): Promise<boolean> {
  return own.change(hurry ? "hurried" : "cancelled", { id, group: null });
}
