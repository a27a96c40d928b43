import { type Assignment, addTo } from "../consumer/assignment.ts";
import { type AssignorMember, type AssignorTopic, byText } from "./assignor.ts";

/**
 * `range` of Kafka: each topic is cut into as many contiguous ranges as it has subscribers, in the
 * same order for every topic. So members with the same subscription get the same partition numbers
 * of topics that have as many partitions, which joins need.
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
  for (const [topicId, of] of subscribers) {
    const count = topics.get(topicId)!.partitionCount;
    const least = Math.floor(count / of.length);
    const longer = count % of.length;
    let next = 0;
    of.forEach((member, i) => {
      const end = next + least + Number(i < longer);
      for (; next < end; next++) addTo(assignments.get(member)!, topicId, next);
    });
  }
  return new Map([...assignments].map(([{ memberId }, assignment]) => [memberId, assignment]));
}

/** Static members first, by instance id: that survives a restart, a member id does not. */
function inOrder(members: readonly AssignorMember[]): AssignorMember[] {
  const fixed = members.filter(({ instanceId }) => instanceId !== null);
  const others = members.filter(({ instanceId }) => instanceId === null);
  return [
    ...fixed.sort(byText(({ instanceId }) => instanceId!)),
    ...others.sort(byText(({ memberId }) => memberId)),
  ];
}
