import { type Assignor, emptyAssignment, sortedMembers } from "./assignor.ts";

/**
 * Topic by topic, each member gets a range of consecutive partitions. Topics with the same number
 * of partitions are assigned alike, so that one member reads a key in all of them.
 */
export const range: Assignor = {
  name: "range",
  cooperative: false,
  assign(members, counts) {
    const assignment = emptyAssignment(members);
    const ordered = sortedMembers(members);
    for (const topic of new Set(members.flatMap((member) => member.topics))) {
      const readers = ordered.filter((member) => member.topics.includes(topic));
      const count = counts.get(topic) ?? 0;
      const share = Math.floor(count / readers.length);
      const withOneMore = count % readers.length;
      let partition = 0;
      for (const [index, { memberId }] of readers.entries()) {
        const end = partition + share + (index < withOneMore ? 1 : 0);
        for (; partition < end; partition++) assignment.get(memberId)!.push({ topic, partition });
      }
    }
    return assignment;
  },
};
