import { type Assignment, addTo } from "../consumer/assignment.ts";
import { type AssignorMember, type AssignorTopic, compareBy } from "./assignor.ts";

/**
 * Kafka's `range`: splits each topic into one contiguous range per subscriber, with the members in
 * the same order for every topic. So members with the same subscription get the same partition
 * numbers of topics with as many partitions, as joins of such topics need.
 */
export function assignRanges(
  members: readonly AssignorMember[],
  topics: ReadonlyMap<string, AssignorTopic>,
): Map<string, Assignment> {
  const ordered = inOrder(members);
  const assignments = new Map(ordered.map((member) => [member, new Map<string, Set<number>>()]));
  const subscribers = new Map<string, AssignorMember[]>();
  for (const member of ordered) {
    for (const topicId of member.topicIds) {
      const known = subscribers.get(topicId);
      if (known === undefined) subscribers.set(topicId, [member]);
      else known.push(member);
    }
  }
  for (const [topicId, topicMembers] of subscribers) {
    const count = topics.get(topicId)!.partitionCount;
    const least = Math.floor(count / topicMembers.length);
    const longer = count % topicMembers.length;
    let next = 0;
    topicMembers.forEach((member, i) => {
      const end = next + least + Number(i < longer);
      for (; next < end; next++) addTo(assignments.get(member)!, topicId, next);
    });
  }
  return new Map([...assignments].map(([{ memberId }, assignment]) => [memberId, assignment]));
}

/** Static members first, by instance id, because it survives a restart; a member id does not. */
function inOrder(members: readonly AssignorMember[]): AssignorMember[] {
  const fixed = members.filter(({ instanceId }) => instanceId !== null);
  const others = members.filter(({ instanceId }) => instanceId === null);
  return [
    ...fixed.sort(compareBy(({ instanceId }) => instanceId!)),
    ...others.sort(compareBy(({ memberId }) => memberId)),
  ];
}
