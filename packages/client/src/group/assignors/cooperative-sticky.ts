import { Reader, Writer } from "@tarpan/protocol";
import { partitionKey } from "../../connection/offsets.ts";
import { type Assignor, emptyAssignment } from "./assignor.ts";
import { ownersOf, stickyAssignment } from "./sticky-assignment.ts";

/**
 * The sticky assignment in two rebalances (KIP-429): the first revokes the partitions that have to
 * move; their owners join again, and the second assigns them. Members go on reading all other
 * partitions.
 */
export const cooperativeSticky: Assignor = {
  name: "cooperative-sticky",
  cooperative: true,
  assign(members, counts) {
    if (members.length === 0) return emptyAssignment(members);
    const claims = ownersOf(members);
    const assignment = stickyAssignment(members, counts);
    for (const [memberId, partitions] of assignment) {
      const free = partitions.filter((at) => {
        const owner = claims.get(partitionKey(at));
        return owner === undefined || owner === memberId;
      });
      assignment.set(memberId, free);
    }
    return assignment;
  },
  /** For leaders that read version 1 of the subscription, which has no generation field. */
  userData(_owned, generation) {
    const writer = new Writer();
    writer.i32(generation);
    return writer.join();
  },
  readUserData: (bytes) => ({ generation: new Reader(bytes).i32() }),
};
