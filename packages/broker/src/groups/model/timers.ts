import type { Keyed } from "../../coordinator/deadlines.ts";

/** A member that does not show up in time is removed. */
export interface MemberTimer<Kind extends string> extends Keyed {
  readonly kind: Kind;
  readonly groupId: string;
  readonly memberId: string;
}

export type ClassicSessionTimer = MemberTimer<"classic-session">;

/** The members of a classic group that have joined go on without the others. */
export interface ClassicJoinTimer extends Keyed {
  readonly kind: "classic-join";
  readonly groupId: string;
}

/** The same in a first rebalance, which waits longer while new members come. */
export interface ClassicInitialJoinTimer extends Keyed {
  readonly kind: "classic-initial-join";
  readonly groupId: string;
  readonly delayMs: number;
  /** How much longer it may wait after this. */
  readonly remainingMs: number;
}

/** Members of this generation that have not asked for their assignment are removed. */
export interface ClassicSyncTimer extends Keyed {
  readonly kind: "classic-sync";
  readonly groupId: string;
  readonly generation: number;
  readonly timeoutMs: number;
}

/** A member is to give partitions up before it may leave the epoch. */
export interface ConsumerRebalanceTimer extends MemberTimer<"consumer-rebalance"> {
  readonly epoch: number;
}

export type ConsumerSessionTimer = MemberTimer<"consumer-session">;

export type ConsumerTimer =
  | ConsumerSessionTimer
  | ConsumerRebalanceTimer
  | MemberTimer<"consumer-join">
  | MemberTimer<"consumer-sync">;

/** A look for expired offsets. */
export interface OffsetExpiryTimer extends Keyed {
  readonly kind: "offset-expiry";
}

/** All that the coordinator of groups waits for, as data: its machine knows what each means. */
export type GroupTimer =
  | ClassicSessionTimer
  | ClassicJoinTimer
  | ClassicInitialJoinTimer
  | ClassicSyncTimer
  | ConsumerTimer
  | OffsetExpiryTimer;

/** Group ids may hold any character: the length keeps two groups' members apart. */
export function memberKey(kind: string, groupId: string, memberId: string): string {
  return `${kind}/${groupId.length}/${groupId}/${memberId}`;
}

export function memberTimer<Kind extends string>(
  kind: Kind,
  groupId: string,
  memberId: string,
): MemberTimer<Kind> {
  return { kind, groupId, memberId, key: memberKey(kind, groupId, memberId) };
}

/** One key for both kinds of join: a group is in one rebalance at a time. */
export const classicJoinKey = (groupId: string) => `classic-join/${groupId}`;
export const classicSyncKey = (groupId: string) => `classic-sync/${groupId}`;

export const OFFSET_EXPIRY: OffsetExpiryTimer = { kind: "offset-expiry", key: "offset-expiry" };
