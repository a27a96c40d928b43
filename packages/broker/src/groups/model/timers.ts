import type { Keyed } from "../../coordinator/deadlines.ts";

/** When it is due, the member is removed. */
export interface MemberTimer<Kind extends string> extends Keyed {
  readonly kind: Kind;
  readonly groupId: string;
  readonly memberId: string;
}

export type ClassicSessionTimer = MemberTimer<"classic-session">;

/** When it is due, the join phase ends without the members that have not joined. */
export interface ClassicJoinTimer extends Keyed {
  readonly kind: "classic-join";
  readonly groupId: string;
}

/** The same in the initial rebalance, which is extended while new members join. */
export interface ClassicInitialJoinTimer extends Keyed {
  readonly kind: "classic-initial-join";
  readonly groupId: string;
  readonly delayMs: number;
  /** How much longer the join phase may be extended after `delayMs`. */
  readonly remainingMs: number;
}

/** When it is due, members of this generation that have not sent SyncGroup are removed. */
export interface ClassicSyncTimer extends Keyed {
  readonly kind: "classic-sync";
  readonly groupId: string;
  readonly generation: number;
  readonly timeoutMs: number;
}

/** When it is due and the member has not confirmed its revocation at `epoch`, it is removed. */
export interface ConsumerRebalanceTimer extends MemberTimer<"consumer-rebalance"> {
  readonly epoch: number;
}

export type ConsumerSessionTimer = MemberTimer<"consumer-session">;

export type ConsumerTimer =
  | ConsumerSessionTimer
  | ConsumerRebalanceTimer
  | MemberTimer<"consumer-join">
  | MemberTimer<"consumer-sync">;

/** When it is due, expired offsets are deleted. */
export interface OffsetExpiryTimer extends Keyed {
  readonly kind: "offset-expiry";
}

/** All timers of the group coordinator, as data; the machine's `fired` handles each kind. */
export type GroupTimer =
  | ClassicSessionTimer
  | ClassicJoinTimer
  | ClassicInitialJoinTimer
  | ClassicSyncTimer
  | ConsumerTimer
  | OffsetExpiryTimer;

/** Group ids may contain any character: with the length in front, no two members share a key. */
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

/** One key for both kinds of join timer: a group has one rebalance at a time. */
export const classicJoinKey = (groupId: string) => `classic-join/${groupId}`;
export const classicSyncKey = (groupId: string) => `classic-sync/${groupId}`;

export const OFFSET_EXPIRY: OffsetExpiryTimer = { kind: "offset-expiry", key: "offset-expiry" };
