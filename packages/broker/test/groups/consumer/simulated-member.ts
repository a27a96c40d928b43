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

export interface Wishes {
  readonly subscribedTopicNames: string[] | null;
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
}

const REJOIN: ReadonlySet<number> = new Set([
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.GROUP_ID_NOT_FOUND,
]);
/** Members that are gone still fill the group, until their sessions end. */
const LATER: ReadonlySet<number> = new Set([
  ErrorCode.UNRELEASED_INSTANCE_ID,
  ErrorCode.GROUP_MAX_SIZE_REACHED,
]);

/** A consumer as KIP-848 wants it: it revokes in its own time, and only then takes more. */
export class SimulatedMember {
  memberId: string;
  readonly instanceId: string | null;
  epoch = 0;
  owned = new Map<string, Set<number>>();
  wishes: Wishes;
  /** What it was last told to have; null when it has that. */
  #told: readonly TopicPartitions[] | null = null;
  #saysAll = true;

  constructor(memberId: string, instanceId: string | null, wishes: Wishes) {
    this.memberId = memberId;
    this.instanceId = instanceId;
    this.wishes = wishes;
  }

  /** Says everything with the next heartbeat, as after an error or a lost answer. */
  loseTrack(): void {
    this.#saysAll = true;
  }

  wish(wishes: Wishes): void {
    this.wishes = wishes;
    this.#saysAll = true;
  }

  request(): Partial<HeartbeatRequest> {
    const { memberId, instanceId, epoch, wishes } = this;
    const all = this.#saysAll || epoch === 0;
    return {
      memberId,
      instanceId,
      memberEpoch: epoch,
      ...(all ? { ...wishes, rebalanceTimeoutMs: REBALANCE_MS } : {}),
      topicPartitions: this.#saysAll || this.#told === null ? topicPartitionsOf(this.owned) : null,
    };
  }

  receive({ errorCode, errorMessage, memberEpoch, assignment }: HeartbeatAnswer): void {
    this.#saysAll = false;
    if (errorCode === ErrorCode.NONE) {
      this.epoch = memberEpoch;
      if (assignment) this.#told = assignment.topicPartitions;
    } else if (REJOIN.has(errorCode)) {
      this.begin(this.memberId);
    } else if (!LATER.has(errorCode)) {
      throw new Error(`${this.memberId} is answered ${errorCode}: ${errorMessage}`);
    }
  }

  /** Gives up everything and joins (again) with its next heartbeat. */
  begin(memberId: string): void {
    this.memberId = memberId;
    this.epoch = 0;
    this.owned = new Map();
    this.#told = null;
    this.#saysAll = true;
  }

  /** Revokes, or, when nothing is left to revoke, takes what it was told to have. */
  work(random: SeededRandom): void {
    if (this.#told === null || random.chance(0.4)) return;
    const told = new Map<string, Set<number>>();
    for (const { topicId, partitions } of this.#told) {
      for (const partition of partitions) addTo(told, topicId, partition);
    }
    const kept = new Map<string, Set<number>>();
    let revoked = false;
    for (const [topicId, partitions] of this.owned) {
      for (const partition of partitions) {
        if (has(told, topicId, partition)) addTo(kept, topicId, partition);
        else revoked = true;
      }
    }
    this.owned = revoked ? kept : told;
    if (!revoked) this.#told = null;
  }
}
