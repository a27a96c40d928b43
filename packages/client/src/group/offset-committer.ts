import { ErrorCode } from "@tarpan/protocol";
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import { Deadline, retrying } from "../connection/retry.ts";
import { KafkaResponseError } from "../errors.ts";
import { commitOffsets } from "./group-offsets.ts";
import type { Membership } from "./membership.ts";

const UNKNOWN_TOPIC: readonly number[] = [
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
];

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

  /**
   * Retries retriable errors for `patienceMs`. Rejects with the coordinator's error. As in Kafka an
   * unknown topic is retried, unless partitions are being given up: the topic is deleted then.
   */
  commit(offsets: readonly GroupOffset[], patienceMs: number, givenUp: boolean): Promise<void> {
    const what = `a commit of group ${this.#link.key}`;
    const commit = this.#last.then(() =>
      retrying(this.#link.operation(what), new Deadline(patienceMs), () =>
        this.#commit(offsets, what, givenUp),
      ),
    );
    this.#last = commit.catch(() => {});
    return commit;
  }

  async #commit(offsets: readonly GroupOffset[], what: string, givenUp: boolean): Promise<void> {
    const membership = this.#membership;
    const { committer } = membership;
    // Without a generation it would be a commit from outside the group, which an empty group
    // accepts.
    if (committer === null) throw new KafkaResponseError(ErrorCode.UNKNOWN_MEMBER_ID, what);
    const topicIdOf = (topic: string) => membership.topicIdOf(topic);
    const errorCode = await commitOffsets(this.#link, committer, offsets, topicIdOf);
    if (errorCode === 0) return;
    if (givenUp && UNKNOWN_TOPIC.includes(errorCode))
      throw new KafkaResponseError(errorCode, what, null, false);
    throw membership.refused(errorCode, what);
  }
}
