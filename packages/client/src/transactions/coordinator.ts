// The requests of a transactional producer to its coordinator and to the coordinators of groups.
// Each is retried while the error is retriable, for the client's time-out.
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  EndTxn,
  ErrorCode,
  InitProducerId,
  TxnOffsetCommit,
} from "@tarpan/protocol";
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { Client } from "../connection/client.ts";
import { CoordinatorLink } from "../connection/coordinator-link.ts";
import { byTopic, type TopicPartition } from "../connection/offsets.ts";
import { KafkaResponseError, UnsupportedVersionError } from "../errors.ts";
import { type Committer, NO_MEMBER } from "../group/group-offsets.ts";
import type { ProducerIdentity } from "../producer/batch.ts";

const FEATURE = "transaction.version";
/** The first version of InitProducerId that can raise the epoch of a given producer (KIP-360). */
const GIVEN_PRODUCER_VERSION = 3;
/** The last versions of the old flow, in which the client adds partitions and groups (KIP-890). */
const OLD_END_VERSION = 4;
const OLD_OFFSETS_VERSION = 4;
/** The last version of AddPartitionsToTxn for clients. */
const ADD_PARTITIONS_VERSION = 3;
/** The last version of TxnOffsetCommit that identifies topics by name. */
const NAMED_OFFSETS_VERSION = 5;

/** A group's members fence each other by these; without them the group has no members. */
export interface OffsetsGroup {
  readonly groupId: string;
  readonly member?: Committer | undefined;
}

export class TransactionCoordinator {
  readonly transactionalId: string;
  readonly #client: Client;
  readonly #link: CoordinatorLink;
  readonly #groups = new Map<string, CoordinatorLink>();

  constructor(client: Client, transactionalId: string) {
    this.transactionalId = transactionalId;
    this.#client = client;
    this.#link = new CoordinatorLink(client, "transactional id", transactionalId);
  }

  /** Whether the brokers add partitions and groups by themselves: transaction.version 2. */
  async addsByItself(): Promise<boolean> {
    return this.#retrying("finding the coordinator", this.#link, async () => {
      return (await this.#link.connection()).featureLevel(FEATURE) >= 2;
    });
  }

  /** Fences earlier producers and aborts what they left open; given `own`, raises its epoch. */
  async initProducer(timeoutMs: number, own: ProducerIdentity | null): Promise<ProducerIdentity> {
    const { transactionalId } = this;
    return this.#retrying("taking a producer id", this.#link, async () => {
      const connection = await this.#link.connection();
      if (own !== null && connection.versionOf(InitProducerId) < GIVEN_PRODUCER_VERSION)
        throw new UnsupportedVersionError(`${connection.address} can't raise a producer's epoch`);
      const body = { transactionalId, transactionTimeoutMs: timeoutMs, ...own };
      const answer = await this.#link.request(InitProducerId, body);
      this.#link.assertOk(answer.errorCode, `transactional id ${transactionalId}`);
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    });
  }

  /** Only in the old flow. */
  addPartitions(own: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<void> {
    const topics = byTopic(partitions).map(([name, list]) => {
      return { name, partitions: list.map(({ partition }) => partition) };
    });
    const body = {
      transactions: [],
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: own.producerId,
      v3AndBelowProducerEpoch: own.producerEpoch,
      v3AndBelowTopics: topics,
    };
    const options = { maxVersion: ADD_PARTITIONS_VERSION };
    return this.#retrying("adding partitions", this.#link, async () => {
      const answer = await this.#link.request(AddPartitionsToTxn, body, options);
      const failed = answer.resultsByTopicV3AndBelow.flatMap(({ name, resultsByPartition }) =>
        resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => {
          return { about: `${name}-${partitionIndex}`, errorCode: partitionErrorCode };
        }),
      );
      for (const { about, errorCode } of causesFirst(failed)) this.#link.assertOk(errorCode, about);
    });
  }

  /** Only in the old flow. */
  addGroup(own: ProducerIdentity, groupId: string): Promise<void> {
    const body = { transactionalId: this.transactionalId, ...own, groupId };
    return this.#retrying(`adding group ${groupId}`, this.#link, async () => {
      const { errorCode } = await this.#link.request(AddOffsetsToTxn, body);
      this.#link.assertOk(errorCode, `adding group ${groupId}`);
    });
  }

  async commitOffsets(
    own: ProducerIdentity,
    { groupId, member }: OffsetsGroup,
    offsets: readonly GroupOffset[],
    newFlow: boolean,
  ): Promise<void> {
    const what = `committing offsets of group ${groupId}`;
    const { memberId, generation, groupInstanceId } = member ?? NO_MEMBER;
    // Without a generation it would be a commit from outside the group, which no group refuses:
    // another member may have the partitions, and commit the same records.
    if (member !== undefined && generation < 0)
      throw new KafkaResponseError(ErrorCode.UNKNOWN_MEMBER_ID, what);
    const topics = byTopic(offsets).map(([name, list]) => ({
      name,
      partitions: list.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata ?? "",
      })),
    }));
    const by = { memberId, generationIdOrMemberEpoch: generation, groupInstanceId };
    const body = { transactionalId: this.transactionalId, groupId, ...own, ...by, topics };
    const options = { maxVersion: newFlow ? NAMED_OFFSETS_VERSION : OLD_OFFSETS_VERSION };
    const link = this.#groupLink(groupId);
    return this.#retrying(what, link, async () => {
      const answer = await link.request(TxnOffsetCommit, body, options);
      for (const { name, partitions } of answer.topics)
        for (const { partitionIndex, errorCode } of partitions)
          link.assertOk(errorCode, `offset of group ${groupId} in ${name}-${partitionIndex}`);
    });
  }

  /** Resolves to the identity for the next transaction. */
  end(own: ProducerIdentity, committed: boolean, newFlow: boolean): Promise<ProducerIdentity> {
    const { transactionalId } = this;
    const options = { maxVersion: newFlow ? undefined : OLD_END_VERSION };
    const what = committed ? "committing" : "aborting";
    return this.#retrying(what, this.#link, async () => {
      const body = { transactionalId, ...own, committed };
      const answer = await this.#link.request(EndTxn, body, options);
      this.#link.assertOk(answer.errorCode, `${what} the transaction`);
      if (answer.producerId < 0) return own;
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    });
  }

  close(): void {
    this.#link.close();
    for (const link of this.#groups.values()) link.close();
  }

  #groupLink(groupId: string): CoordinatorLink {
    const link = this.#groups.get(groupId) ?? new CoordinatorLink(this.#client, "group", groupId);
    this.#groups.set(groupId, link);
    return link;
  }

  #retrying<T>(what: string, { kind, key }: CoordinatorLink, ask: () => Promise<T>): Promise<T> {
    return this.#client.retrying(`${what} (${kind} ${key})`, ask);
  }
}

/** The other partitions' OPERATION_NOT_ATTEMPTED says only that one of them has failed. */
function causesFirst<T extends { readonly errorCode: number }>(results: readonly T[]): T[] {
  const isCause = ({ errorCode }: T) => errorCode !== ErrorCode.OPERATION_NOT_ATTEMPTED;
  return [...results.filter(isCause), ...results.filter((each) => !isCause(each))];
}
