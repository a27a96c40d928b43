import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import { type GroupLike, namesNoMember } from "../group.ts";
import { LiveGroup } from "./live-group.ts";
import type { ClassicMember } from "./member.ts";
import { NEVER_RECORDED, type RecordedGroup } from "./recorded-group.ts";
import { tombstone } from "./records.ts";

/** A group of the classic protocol: its recorded state, and the live state of its members. */
export class ClassicGroup implements GroupLike {
  readonly kind = "classic";
  readonly groupId: string;
  /** Hard state: set by `apply` only. */
  recorded: RecordedGroup = NEVER_RECORDED;
  #live: LiveGroup | null = null;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  /** Soft state. Built on first use, so a replay of many records builds it once. */
  get live(): LiveGroup {
    this.#live ??= new LiveGroup(this.groupId, this.recorded);
    return this.#live;
  }

  /** Its fields in log lines. */
  get logFields() {
    return { group: this.groupId, generation: this.live.generation };
  }

  get stateName(): string {
    return this.live.state;
  }

  get protocolType(): string {
    return this.live.protocolType;
  }

  /** UNKNOWN_MEMBER_ID; FENCED_INSTANCE_ID when another member has the instance id; or NONE. */
  validateMember(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const holder = this.live.memberIdOf(groupInstanceId);
      if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (holder !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    return this.live.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  validateOffsetCommit(
    memberId: string,
    groupInstanceId: string | null,
    generation: number,
    apiVersion: number | null,
  ): number {
    const { state } = this.live;
    const isTransactional = apiVersion === null;
    if (generation < 0 && state === "Empty") return ErrorCode.NONE;
    if (namesNoMember(memberId, groupInstanceId, generation)) {
      return isTransactional ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
    }
    const errorCode = this.validateMember(memberId, groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    if (generation !== this.live.generation) return ErrorCode.ILLEGAL_GENERATION;
    // The member has joined this generation, but no member has an assignment yet.
    const isTooEarly = state === "CompletingRebalance" && !isTransactional;
    return isTooEarly ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  validateOffsetFetch(): number {
    return ErrorCode.NONE;
  }

  isSubscribedTo(topic: string): boolean {
    return this.live.isSubscribedTo(topic);
  }

  committed(memberId: string): ClassicMember | undefined {
    return this.live.members.get(memberId);
  }

  get emptySinceMs(): number | null {
    return this.live.state === "Empty" ? this.recorded.timestampMs : null;
  }

  validateDelete(): number {
    return this.live.state === "Empty" ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  tombstones(): GroupRecord[] {
    return [tombstone(this.groupId)];
  }
}
