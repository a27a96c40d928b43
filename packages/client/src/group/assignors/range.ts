import { type Assignor, inOrder, nothingAssigned } from "./assignor.ts";

/**
 * Topic by topic, each member gets a run of neighbouring partitions: topics with as many partitions
 * are dealt out alike, so that equal keys of both meet in one member.
 */
export const range: Assignor = {
  name: "range",
  cooperative: false,
  assign(members, counts) {
    const assignment = nothingAssigned(members);
    const ordered = inOrder(members);
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
