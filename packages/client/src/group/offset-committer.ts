import { ErrorCode } from "@tarpan/protocol";
import type { GroupOffset } from "../admin/group-offsets.ts";
import { Deadline, retrying } from "../connection/retry.ts";
import { KafkaResponseError } from "../errors.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import { commitOffsets } from "./group-offsets.ts";
import type { Membership } from "./membership.ts";

/**
 * Commits of one member, one after another: none overtakes another, and none is tried again once a
 * later one was sent. So committed offsets never go back by themselves.
 */
export class OffsetCommitter {
  readonly #link: CoordinatorLink;
  readonly #membership: Membership;
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: CoordinatorLink, membership: Membership) {
    this.#link = link;
    this.#membership = membership;
  }

  /** Tries again while that may help, for `patienceMs`. Rejects with what the coordinator says. */
  commit(offsets: readonly GroupOffset[], patienceMs: number): Promise<void> {
    const what = `a commit of group ${this.#link.groupId}`;
    const commit = this.#last.then(() =>
      retrying(this.#link.operation(what), new Deadline(patienceMs), () =>
        this.#commit(offsets, what),
      ),
    );
    this.#last = commit.catch(() => {});
    return commit;
  }

  async #commit(offsets: readonly GroupOffset[], what: string): Promise<void> {
    const { committer } = this.#membership;
    // Without a generation it would count as a commit from outside the group, and an empty one
    // takes it.
    if (committer === null) throw new KafkaResponseError(ErrorCode.UNKNOWN_MEMBER_ID, what);
    const errorCode = await commitOffsets(this.#link, committer, offsets);
    if (errorCode === 0) return;
    if (concernsMember(errorCode)) this.#membership.refused(errorCode, what);
    this.#link.assertOk(errorCode, what);
  }
}

/** Rather than what was committed. */
function concernsMember(errorCode: number): boolean {
  const codes: readonly number[] = [
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.REBALANCE_IN_PROGRESS,
    ErrorCode.FENCED_INSTANCE_ID,
  ];
  return codes.includes(errorCode);
}
