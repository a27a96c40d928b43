import type { GroupTurn } from "../../turn.ts";
import {
  type AssignorMember,
  type AssignorTopic,
  assignorNamed,
  supportedAssignors,
} from "../assignors/index.ts";
import { type Assignment, NO_PARTITIONS, sameAssignment } from "./assignment.ts";
import type { ConsumerMember } from "./member.ts";
import {
  type ConsumerRecord,
  type ResolvedRegex,
  targetEpochRecord,
  targetRecord,
} from "./records.ts";
import { keyOf, subscriptionOf, topicNamesOf } from "./subscriptions.ts";

/** A group with the changes of the running operation, which are not applied yet. */
export interface TargetInput {
  readonly groupId: string;
  readonly epoch: number;
  readonly members: readonly ConsumerMember[];
  readonly regexes: ReadonlyMap<string, ResolvedRegex>;
  readonly targetOf: (memberId: string) => Assignment | undefined;
}

export interface TargetAssignment {
  readonly targets: ReadonlyMap<string, Assignment>;
  /** One for each member whose target changes, and one for the assignment epoch. */
  readonly records: ConsumerRecord[];
}

/** Computes the target assignment of `epoch` with the group's assignor. */
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

/** The assignor that most members name. Of several, or when none is named, the first configured. */
export function preferredAssignor(
  members: Iterable<ConsumerMember>,
  configured: readonly string[],
): string {
  const votes = new Map<string, number>();
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1);
  }
  const supported = supportedAssignors(configured);
  return supported.reduce((most, name) =>
    (votes.get(name) ?? 0) > (votes.get(most) ?? 0) ? name : most,
  );
}

/** Fills `topics`. Members with the same topics share one array of topic ids. */
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
