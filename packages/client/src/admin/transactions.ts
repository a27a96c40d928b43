import {
  DescribeProducers,
  DescribeTransactions,
  ListTransactions,
  WriteTxnMarkers,
} from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import type { TopicPartition } from "../connection/offsets.ts";
import { assertOk, ClientError } from "../errors.ts";
import { askCoordinator } from "./coordinator.ts";

export interface TransactionFilter {
  /** States such as `Ongoing` or `PrepareAbort`. Default: all. */
  readonly states?: readonly string[] | undefined;
  /** Default: all. */
  readonly producerIds?: readonly number[] | undefined;
}

export interface ListedTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly state: string;
  /** The node id of the coordinator. */
  readonly coordinator: number;
}

export interface TransactionDescription extends ListedTransaction {
  readonly producerEpoch: number;
  readonly timeoutMs: number;
  /** Ms since the epoch; null while no transaction is open. */
  readonly startMs: number | null;
  /** The partitions to which it has written and in which it is not ended yet. */
  readonly partitions: readonly TopicPartition[];
}

/** A producer that a partition's leader remembers. */
export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** -1 if no coordinator has ended a transaction of it in this partition. */
  readonly coordinatorEpoch: number;
  /** Sequence of its last record; -1 if it has none. */
  readonly lastSequence: number;
  /** Of its last batch, ms since the epoch; -1 if it has none. */
  readonly lastTimestamp: number;
  /** The first offset of its open transaction; null without one. */
  readonly startOffset: number | null;
}

/** Asks all brokers: each lists only the transactional ids that it coordinates. */
export async function listTransactions(
  client: Client,
  { states = [], producerIds = [] }: TransactionFilter,
): Promise<ListedTransaction[]> {
  const { brokers } = await client.cluster();
  const listed = [...brokers.keys()].map((nodeId) =>
    client.retrying(`listing transactions of broker ${nodeId}`, async () => {
      const connection = await client.connectionTo(nodeId);
      const body = { stateFilters: states, producerIdFilters: producerIds };
      const answer = await connection.request(ListTransactions, body);
      assertOk(answer.errorCode, `transactions of broker ${nodeId}`);
      assertStates(answer.unknownStateFilters);
      return answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => {
        return { transactionalId, producerId, state: transactionState, coordinator: nodeId };
      });
    }),
  );
  const all = (await Promise.all(listed)).flat();
  return all.sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1));
}

function assertStates(unknown: readonly string[]): void {
  if (unknown.length === 0) return;
  const message = `the broker knows no transaction state ${unknown.join(", ")}`;
  throw new ClientError("TARPAN_BAD_ARGUMENT", message);
}

export function describeTransaction(
  client: Client,
  transactionalId: string,
): Promise<TransactionDescription> {
  const kind = "transactional id";
  return askCoordinator(client, kind, transactionalId, "description", async (broker, nodeId) => {
    const body = { transactionalIds: [transactionalId] };
    const found = (await broker.request(DescribeTransactions, body)).transactionStates[0]!;
    assertOk(found.errorCode, `transactional id ${transactionalId}`);
    const { transactionStartTimeMs: startMs, producerId, producerEpoch } = found;
    return {
      ...{ transactionalId, producerId, producerEpoch, state: found.transactionState },
      ...{ coordinator: nodeId, timeoutMs: found.transactionTimeoutMs },
      startMs: startMs < 0 ? null : startMs,
      partitions: found.topics.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    };
  });
}

export function describeProducers(client: Client, at: TopicPartition): Promise<ActiveProducer[]> {
  return onLeader(client, at, "producers", (leader) => producersOf(leader, at));
}

async function producersOf(
  leader: Connection,
  { topic, partition }: TopicPartition,
): Promise<ActiveProducer[]> {
  const body = { topics: [{ name: topic, partitionIndexes: [partition] }] };
  const answer = (await leader.request(DescribeProducers, body)).topics[0]!.partitions[0]!;
  assertOk(answer.errorCode, `${topic}-${partition}`, answer.errorMessage);
  return answer.activeProducers.map(({ currentTxnStartOffset, ...producer }) => {
    return { ...producer, startOffset: currentTxnStartOffset < 0 ? null : currentTxnStartOffset };
  });
}

/** Writes the marker that the coordinator does not write, in the name of its last epoch. */
export function abortTransaction(
  client: Client,
  at: TopicPartition,
  startOffset: number,
): Promise<void> {
  const { topic, partition } = at;
  const about = `${topic}-${partition}`;
  let unanswered = false;
  return onLeader(client, at, "aborting a transaction", async (leader) => {
    const found = (await producersOf(leader, at)).find((each) => each.startOffset === startOffset);
    // An earlier try, whose response was lost, has ended it.
    if (found === undefined && unanswered) return;
    if (found === undefined)
      throw new ClientError(
        "TARPAN_NO_TRANSACTION",
        `${about} has no open transaction that begins at offset ${startOffset}`,
      );
    const { producerId, producerEpoch } = found;
    const marker = {
      ...{ producerId, producerEpoch, transactionResult: false },
      coordinatorEpoch: Math.max(0, found.coordinatorEpoch),
      topics: [{ name: topic, partitionIndexes: [partition] }],
    };
    const answer = await leader.request(WriteTxnMarkers, { markers: [marker] }).catch((error) => {
      unanswered = true;
      throw error;
    });
    assertOk(answer.markers[0]!.topics[0]!.partitions[0]!.errorCode, `aborting in ${about}`);
  });
}

function onLeader<T>(
  client: Client,
  { topic, partition }: TopicPartition,
  what: string,
  ask: (leader: Connection) => Promise<T>,
): Promise<T> {
  return client.retrying(`${what} of ${topic}-${partition}`, async () => {
    const leader = await client.leaderOf(await client.topic(topic), partition);
    try {
      return await ask(leader);
    } catch (error) {
      client.forget(topic);
      throw error;
    }
  });
}
