import type { HalfMessages } from "../half-messages/half-messages.ts";
import { ASKED_MS } from "../held/held-state.ts";
import { COMMITTED, checksOf } from "../held/progress.ts";
import type { HeldFilter, HeldMessage } from "../held/waiting-list.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { ListHalfMessages, ResolveHalfMessage } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { AdminError } from "./admin-error.ts";
import { askAdmin, serveAdmin } from "./ask-brokers.ts";
import type {
  HalfMessage,
  HalfMessageFilter,
  HalfMessagesAdmin,
  Resolution,
} from "./half-messages-admin.ts";
import { HeldLeaders } from "./held-leaders.ts";
import { COORDINATOR_CALL_TIMEOUT_MS } from "./limits.ts";

interface Parts {
  readonly halfMessages: HalfMessages;
  readonly metadata: Pick<Metadata, "image" | "nodeId">;
  /** Null for a standalone broker. */
  readonly rpc: Rpc | null;
}

type Asked = Pick<HeldFilter, "id" | "group" | "topic" | "limit">;

/** Half messages: this broker's, in a cluster those of all brokers. */
export class HalfMessagesOfAll implements HalfMessagesAdmin {
  readonly #leaders: HeldLeaders<HalfMessages>;

  constructor({ halfMessages: runtime, metadata, rpc }: Parts) {
    this.#leaders = new HeldLeaders({ runtime, metadata, rpc }, "half messages");
    if (rpc === null) return;
    serveAdmin(rpc, ListHalfMessages, { messages: [] }, async (asked) => {
      const messages = await this.#leaders.askOwn((own) => list(own, asked));
      return { messages: messages.map((one) => ({ ...one, partition: one.partition ?? -1 })) };
    });
    serveAdmin(rpc, ResolveHalfMessage, { found: false }, async (request) => {
      return { found: await this.#leaders.askOwn((own) => resolve(own, request)) };
    });
  }

  async list({ id, ...filter }: HalfMessageFilter): Promise<readonly HalfMessage[]> {
    const asked: Asked = { ...filter, id: id === null ? null : Buffer.from(id) };
    const lists = await this.#leaders.askAll<readonly Listed[]>(
      (own) => list(own, asked),
      async (rpc, brokerId) => {
        const answer = await askAdmin(rpc, ListHalfMessages, brokerId, asked, TIMEOUT_MS);
        return answer.messages.map((one) => {
          return { ...one, partition: one.partition < 0 ? null : one.partition };
        });
      },
    );
    const all = lists.flat().sort((a, b) => a.dueMs - b.dueMs);
    return all.slice(0, filter.limit).map(shown);
  }

  /** The message is looked for in all partitions: its producer has chosen one. */
  async resolve(group: string, id: string, resolution: Resolution): Promise<void> {
    const request = { group, id: Buffer.from(id), commit: resolution === "commit" };
    const found = await this.#leaders.askAll(
      (own) => resolve(own, request),
      async (rpc, brokerId) => {
        const answer = await askAdmin(rpc, ResolveHalfMessage, brokerId, request, TIMEOUT_MS);
        return answer.found;
      },
    );
    if (found.includes(true)) return;
    const what = `no half message of the producer group '${group}' with the id '${id}' waits`;
    const why = "it was committed or rolled back, or was never there";
    throw new AdminError("not-found", `${what} for its resolution: ${why}`);
  }
}

const TIMEOUT_MS = COORDINATOR_CALL_TIMEOUT_MS;

type Listed = Omit<HeldMessage, "group"> & { readonly group: string };

async function list(own: HalfMessages, asked: Asked): Promise<Listed[]> {
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const messages = await own.list({ ...asked, ...all });
  return messages.map((one) => ({ ...one, group: one.group ?? "" }));
}

function resolve(
  own: HalfMessages,
  { commit, ...name }: { commit: boolean; group: string; id: Uint8Array },
): Promise<boolean> {
  return own.change(commit ? "committed" : "cancelled", name);
}

function shown({ id, group, topic, partition, ...rest }: Listed): HalfMessage {
  const { progress, dueMs, createdMs, sizeBytes } = rest;
  const isWaiting = progress >= 0;
  const isCommitted = progress === COMMITTED;
  const resolved = isCommitted ? "committed" : "rolled-back";
  return {
    ...{ group, id: Buffer.from(id).toString("utf8"), topic, partition },
    state: isWaiting ? "waiting" : resolved,
    checks: isCommitted ? null : checksOf(progress),
    nextCheckAt: isWaiting && dueMs < ASKED_MS ? dueMs : null,
    ...{ createdAt: createdMs, sizeBytes },
  };
}
