import type { GroupTurn } from "../../turn.ts";
import {
  type AssignorMember,
  type AssignorTopic,
  assignorNamed,
  supportedAssignors,
} from "../assignors/index.ts";
import { type Assignment, NO_PARTITIONS, sameAssignment } from "./assignment.ts";
import type { Member } from "./member.ts";
import {
  type ConsumerRecord,
  type ResolvedRegex,
  targetEpochRecord,
  targetRecord,
} from "./records.ts";
import { keyOf, subscriptionOf, topicNamesOf } from "./subscriptions.ts";

/** A group as an operation is about to leave it. */
export interface TargetInput {
  readonly groupId: string;
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly regexes: ReadonlyMap<string, ResolvedRegex>;
  readonly targetOf: (memberId: string) => Assignment | undefined;
}

export interface TargetAssignment {
  readonly targets: ReadonlyMap<string, Assignment>;
  /** One for each member whose target changes, and that of the epoch. */
  readonly records: ConsumerRecord[];
}

/** Lets the group's assignor decide who shall have what at `epoch`. */
export function computeTarget(input: TargetInput, turn: GroupTurn): TargetAssignment {
  const { groupId, epoch, members, targetOf } = input;
  const assign = assignorNamed(preferredAssignor(members, turn.config.groupConsumerAssignors));
  const topics = new Map<string, AssignorTopic>();
  const targets = assign(assignorMembers(input, turn, topics), topics);
  const records: ConsumerRecord[] = [];
  for (const { memberId } of members) {
    const former = targetOf(memberId);
    const target = targets.get(memberId) ?? NO_PARTITIONS;
    if (former !== undefined && sameAssignment(former, target)) continue;
    records.push(targetRecord(groupId, memberId, target));
  }
  records.push(targetEpochRecord(groupId, epoch, turn.wallMs));
  return { targets, records };
}

/** The one that most members want; without a wish, and between equals, the first configured. */
export function preferredAssignor(
  members: Iterable<Member>,
  configured: readonly string[],
): string {
  const wishes = new Map<string, number>();
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) wishes.set(serverAssignor, (wishes.get(serverAssignor) ?? 0) + 1);
  }
  const supported = supportedAssignors(configured);
  return supported.reduce((most, name) =>
    (wishes.get(name) ?? 0) > (wishes.get(most) ?? 0) ? name : most,
  );
}

/** Fills `topics`; members with the same topics share one array of them. */
function assignorMembers(
  { members, regexes, targetOf }: TargetInput,
  { image }: GroupTurn,
  topics: Map<string, AssignorTopic>,
): AssignorMember[] {
  const bySubscription = new Map<string, readonly string[]>();
  const byTopics = new Map<string, readonly string[]>();
  return members.map((member) => {
    const key = keyOf(member);
    let topicIds = bySubscription.get(key);
    if (topicIds === undefined) {
      const found: string[] = [];
      for (const name of topicNamesOf(subscriptionOf(member), regexes)) {
        const topic = image.topics.get(name);
        if (topic === undefined) continue;
        topics.set(topic.id, { topicId: topic.id, partitionCount: topic.partitions.length });
        found.push(topic.id);
      }
      const joined = found.sort().join();
      topicIds = byTopics.get(joined) ?? found;
      byTopics.set(joined, topicIds);
      bySubscription.set(key, topicIds);
    }
    const { memberId, instanceId } = member;
    return { memberId, instanceId, topicIds, current: targetOf(memberId) ?? NO_PARTITIONS };
  });
}
