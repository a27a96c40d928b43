// The requests of group members that the loads need.

import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, FindCoordinator, Heartbeat, JoinGroup, SyncGroup } from "@tarpan/protocol";
import type { Connection } from "../connection.ts";

const RETRY_MS = 20;
/** Long enough that no member times out while others are still joining. */
const TIMEOUTS = { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_800_000 };
const PROTOCOL = { protocolType: "consumer", protocolName: "range" };
const METADATA = new Uint8Array(100);
const ASSIGNMENT = new Uint8Array(100);

export interface Member {
  readonly connection: Connection;
  readonly groupId: string;
  memberId: string;
  generationId: number;
  /** The members, if this one is the leader; else empty. */
  led: readonly string[];
}

export function check(errorCode: number, what: string): void {
  if (errorCode !== ErrorCode.NONE) throw new Error(`${what} was answered with error ${errorCode}`);
}

export function newMember(connection: Connection, groupId: string): Member {
  return { connection, groupId, memberId: "", generationId: -1, led: [] };
}

/** Waits until the group coordinator is available. */
export async function coordinatorReady(connection: Connection, groupId: string): Promise<void> {
  for (;;) {
    const found = await connection.request(FindCoordinator, 4, { coordinatorKeys: [groupId] });
    if (found.coordinators[0]!.errorCode === 0) {
      const errorCode = await heartbeat({ ...newMember(connection, groupId), memberId: "nobody" });
      if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) return;
    }
    await sleep(RETRY_MS);
  }
}

export async function join(member: Member): Promise<void> {
  for (;;) {
    const { connection, groupId, memberId } = member;
    const protocols = [{ name: PROTOCOL.protocolName, metadata: METADATA }];
    const body = { groupId, memberId, ...TIMEOUTS, protocolType: "consumer", protocols };
    const answer = await connection.request(JoinGroup, 9, body);
    member.memberId = answer.memberId;
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) continue;
    check(answer.errorCode, "JoinGroup");
    member.generationId = answer.generationId;
    member.led = answer.members.map((each) => each.memberId);
    return;
  }
}

/** The error code. */
export async function sync(member: Member): Promise<number> {
  const { connection, groupId, memberId, generationId } = member;
  const assignments = member.led.map((each) => ({ memberId: each, assignment: ASSIGNMENT }));
  const body = { groupId, memberId, generationId, ...PROTOCOL, assignments };
  return (await connection.request(SyncGroup, 5, body)).errorCode;
}

/** The error code. */
export async function heartbeat(member: Member): Promise<number> {
  const { connection, groupId, memberId, generationId } = member;
  return (await connection.request(Heartbeat, 4, { groupId, memberId, generationId })).errorCode;
}
