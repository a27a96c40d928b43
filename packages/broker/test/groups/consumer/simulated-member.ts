import { ErrorCode } from "@tarpan/protocol";
import {
  addTo,
  has,
  type TopicPartitions,
  topicPartitionsOf,
} from "../../../src/groups/model/consumer/assignment.ts";
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
} from "../../../src/groups/model/consumer/requests.ts";
import type { SeededRandom } from "../../env/seeded-random.ts";
import { REBALANCE_MS } from "./world.ts";

export interface Subscription {
  readonly subscribedTopicNames: string[] | null;
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
}

const REJOIN: ReadonlySet<number> = new Set([
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.GROUP_ID_NOT_FOUND,
]);
/** Errors that pass when the sessions of crashed members end. */
const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.UNRELEASED_INSTANCE_ID,
  ErrorCode.GROUP_MAX_SIZE_REACHED,
]);

/** A consumer as in KIP-848: it revokes partitions after some time, and then takes new ones. */
export class SimulatedMember {
  memberId: string;
  readonly instanceId: string | null;
  epoch = 0;
  owned = new Map<string, Set<number>>();
  subscription: Subscription;
  /** The last assignment it got; null once it owns that. */
  #target: readonly TopicPartitions[] | null = null;
  #sendsAll = true;

  constructor(memberId: string, instanceId: string | null, subscription: Subscription) {
    this.memberId = memberId;
    this.instanceId = instanceId;
    this.subscription = subscription;
  }

  /** Makes the next heartbeat a full request, as after an error or a lost answer. */
  sendFullRequestNext(): void {
    this.#sendsAll = true;
  }

  subscribe(subscription: Subscription): void {
    this.subscription = subscription;
    this.#sendsAll = true;
  }

  request(): Partial<HeartbeatRequest> {
    const { memberId, instanceId, epoch, subscription } = this;
    const all = this.#sendsAll || epoch === 0;
    return {
      memberId,
      instanceId,
      memberEpoch: epoch,
      ...(all ? { ...subscription, rebalanceTimeoutMs: REBALANCE_MS } : {}),
      topicPartitions:
        this.#sendsAll || this.#target === null ? topicPartitionsOf(this.owned) : null,
    };
  }

  receive({ errorCode, errorMessage, memberEpoch, assignment }: HeartbeatAnswer): void {
    this.#sendsAll = false;
    if (errorCode === ErrorCode.NONE) {
      this.epoch = memberEpoch;
      if (assignment) this.#target = assignment.topicPartitions;
    } else if (REJOIN.has(errorCode)) {
      this.begin(this.memberId);
    } else if (!RETRIABLE.has(errorCode)) {
      throw new Error(`${this.memberId} is answered ${errorCode}: ${errorMessage}`);
    }
  }

  /** Releases all partitions; the next heartbeat joins (again). */
  begin(memberId: string): void {
    this.memberId = memberId;
    this.epoch = 0;
    this.owned = new Map();
    this.#target = null;
    this.#sendsAll = true;
  }

  /** Revokes partitions; when none is left to revoke, takes its whole assignment. */
  reconcile(random: SeededRandom): void {
    if (this.#target === null || random.chance(0.4)) return;
    const target = new Map<string, Set<number>>();
    for (const { topicId, partitions } of this.#target) {
      for (const partition of partitions) addTo(target, topicId, partition);
    }
    const kept = new Map<string, Set<number>>();
    let revoked = false;
    for (const [topicId, partitions] of this.owned) {
      for (const partition of partitions) {
        if (has(target, topicId, partition)) addTo(kept, topicId, partition);
        else revoked = true;
      }
    }
    this.owned = revoked ? kept : target;
    if (!revoked) this.#target = null;
  }
}
