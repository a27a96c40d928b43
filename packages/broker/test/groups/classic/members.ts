import { encodeConsumerSubscription } from "@tarpan/protocol";
import { ClassicGroup } from "../../../src/groups/model/classic/group.ts";
import type { JoinAnswer, SyncAnswer } from "../../../src/groups/model/classic/member.ts";
import { heartbeat } from "../../../src/groups/operations/classic-heartbeat.ts";
import { joinGroup } from "../../../src/groups/operations/classic-join.ts";
import { type LeaveAnswer, leaveGroup } from "../../../src/groups/operations/classic-leave.ts";
import { syncGroup } from "../../../src/groups/operations/classic-sync.ts";
import { commitOffsets } from "../../../src/groups/operations/commit-offsets.ts";
import { GroupHarness, type PendingGroup } from "../harness.ts";

export const GROUP = "g";
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 60_000;
export const DELAY_MS = 3_000;

export const subscriptionTo = (...topics: string[]) => encodeConsumerSubscription({ topics });
export const SUBSCRIPTION = subscriptionTo("t");
export const RANGE = [{ name: "range", metadata: SUBSCRIPTION }];
export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (from: Uint8Array) => new TextDecoder().decode(from);

export interface JoinFields {
  groupId?: string;
  memberId?: string;
  groupInstanceId?: string | null;
  version?: number;
  protocolType?: string;
  protocols?: { name: string; metadata: Uint8Array }[];
  sessionTimeoutMs?: number;
  rebalanceTimeoutMs?: number;
}

/** Sends requests of the members of one group, with defaults for all fields. */
export class Members extends GroupHarness {
  join({ version = 5, ...fields }: JoinFields = {}): PendingGroup<JoinAnswer> {
    const request = {
      groupId: GROUP,
      memberId: "",
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: RANGE,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      reason: null,
      ...fields,
    };
    return this.run(joinGroup({ request, version, clientId: "client", clientHost: "/127.0.0.1" }));
  }

  /** Joins as a new dynamic member does: first to get an id, then with it. */
  joinNew(fields: JoinFields = {}): { memberId: string; joining: PendingGroup<JoinAnswer> } {
    const { memberId } = this.join(fields).answer;
    return { memberId, joining: this.join({ ...fields, memberId }) };
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Record<string, string> = {},
    fields: {
      groupId?: string;
      groupInstanceId?: string | null;
      protocolName?: string | null;
    } = {},
  ): PendingGroup<SyncAnswer> {
    return this.run(
      syncGroup({
        groupId: GROUP,
        generationId,
        memberId,
        groupInstanceId: null,
        protocolType: null,
        protocolName: null,
        assignments: Object.entries(assignments).map(([memberId, assignment]) => ({
          memberId,
          assignment: bytes(assignment),
        })),
        ...fields,
      }),
    );
  }

  beat(memberId: string, generationId: number, groupInstanceId: string | null = null): number {
    return this.run(heartbeat({ groupId: GROUP, memberId, generationId, groupInstanceId })).answer;
  }

  /** Commits no offset; that extends the member's session all the same. */
  commit(memberId: string, generationIdOrMemberEpoch: number): void {
    const own = { groupId: GROUP, memberId, groupInstanceId: null };
    const request = { ...own, generationIdOrMemberEpoch, retentionTimeMs: -1n, topics: [] };
    this.run(commitOffsets(request, 9));
  }

  leave(...members: { memberId?: string; groupInstanceId?: string | null }[]): LeaveAnswer {
    const leaving = members.map((member) => ({ memberId: "", groupInstanceId: null, ...member }));
    return this.run(leaveGroup(GROUP, leaving)).answer;
  }

  get group(): ClassicGroup {
    const group = this.state.groups.get(GROUP);
    if (!(group instanceof ClassicGroup)) throw new Error("no classic group");
    return group;
  }

  /** Makes a stable group of `count` dynamic members, generation 1; the first is the leader. */
  stable(count: number, fields: JoinFields = {}): string[] {
    const joining = Array.from({ length: count }, () => this.joinNew(fields));
    this.advance(DELAY_MS * (count > 1 ? 2 : 1));
    const ids = joining.map(({ memberId }) => memberId);
    this.syncAll(ids, 1);
    this.newRecords();
    return ids;
  }

  /** Syncs the followers, then the leader, who assigns `p0` to the first of `ids`, and so on. */
  syncAll(ids: readonly string[], generationId: number): string[] {
    const leader = this.group.live.leader!;
    const assignments = Object.fromEntries(ids.map((id, i) => [id, `p${i}`]));
    const followers = ids.filter((id) => id !== leader);
    const waiting = new Map(followers.map((id) => [id, this.sync(id, generationId)]));
    waiting.set(leader, this.sync(leader, generationId, assignments));
    return ids.map((id) => text(waiting.get(id)!.answer.assignment));
  }
}
