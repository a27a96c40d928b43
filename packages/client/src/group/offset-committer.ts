import { ErrorCode } from "@tarpan/protocol";
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import { Deadline, retrying } from "../connection/retry.ts";
import { KafkaResponseError } from "../errors.ts";
import { commitOffsets } from "./group-offsets.ts";
import type { Membership } from "./membership.ts";

/**
 * Sends a member's commits one after another, each only when the one before has settled. So a retry
 * can't overwrite a later commit.
 */
export class OffsetCommitter {
  readonly #link: CoordinatorLink;
  readonly #membership: Membership;
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: CoordinatorLink, membership: Membership) {
    this.#link = link;
    this.#membership = membership;
  }

  /** Retries retriable errors for `patienceMs`. Rejects with the coordinator's error. */
  commit(offsets: readonly GroupOffset[], patienceMs: number): Promise<void> {
    const what = `a commit of group ${this.#link.key}`;
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
    // Without a generation it would be a commit from outside the group, which an empty group
    // accepts.
    if (committer === null) throw new KafkaResponseError(ErrorCode.UNKNOWN_MEMBER_ID, what);
    const errorCode = await commitOffsets(this.#link, committer, offsets);
    if (errorCode === 0) return;
    if (concernsMember(errorCode)) this.#membership.refused(errorCode, what);
    this.#link.assertOk(errorCode, what);
  }
}

/** Whether the error is about the member, not about the committed offsets. */
function concernsMember(errorCode: number): boolean {
  const codes: readonly number[] = [
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.REBALANCE_IN_PROGRESS,
    ErrorCode.FENCED_INSTANCE_ID,
  ];
  return codes.includes(errorCode);
}
