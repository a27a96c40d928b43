import { type Assignor, emptyAssignment, partitionsOf, sortedMembers } from "./assignor.ts";

/** All partitions of all topics in turn, each to the next member that subscribes to its topic. */
export const roundRobin: Assignor = {
  name: "roundrobin",
  cooperative: false,
  assign(members, counts) {
    const assignment = emptyAssignment(members);
    const ordered = sortedMembers(members).map(({ memberId, topics }) => ({
      memberId,
      topics: new Set(topics),
    }));
    let turn = 0;
    for (const at of partitionsOf(members, counts)) {
      while (!ordered[turn % ordered.length]!.topics.has(at.topic)) turn++;
      assignment.get(ordered[turn++ % ordered.length]!.memberId)!.push(at);
    }
    return assignment;
  },
};
