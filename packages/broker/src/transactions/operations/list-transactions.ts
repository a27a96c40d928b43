import type { ListTransactions, RequestOf, ResponseInput } from "@tarpan/protocol";
import type { TransactionState } from "../model/transaction.ts";
import type { TransactionOperation } from "../turn.ts";

export type ListedTransaction = ResponseInput<typeof ListTransactions>["transactionStates"][number];

export interface ListFilter {
  /** Empty: all. */
  readonly states: ReadonlySet<TransactionState>;
  readonly producerIds: RequestOf<typeof ListTransactions>["producerIdFilters"];
  /** Only transactions that last longer; negative: all. */
  readonly longerThanMs: number;
  readonly matches: (transactionalId: string) => boolean;
}

/** The transactional ids of one shard. */
export function listTransactions(filter: ListFilter): TransactionOperation<ListedTransaction[]> {
  const producerIds = new Set(filter.producerIds);
  return (turn, reply) => {
    const listed: ListedTransaction[] = [];
    for (const { transactionalId, producerId, state, startMs } of turn.state.values()) {
      const { states, longerThanMs, matches } = filter;
      if (producerIds.size > 0 && !producerIds.has(producerId)) continue;
      if (states.size > 0 && !states.has(state)) continue;
      if (longerThanMs >= 0 && turn.wallMs - startMs <= longerThanMs) continue;
      if (!matches(transactionalId)) continue;
      listed.push({ transactionalId, producerId, transactionState: state });
    }
    turn.reply(reply, listed);
  };
}
