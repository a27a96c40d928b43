import type { GroupLog } from "../group-log.ts";
import type { ClassicGroup } from "./classic/group.ts";
import type { ConsumerGroup } from "./consumer/consumer-group.ts";
import { OffsetStore } from "./offset-store.ts";

/** By `kind`; both kinds share one name space (KIP-848). */
export type Group = ClassicGroup | ConsumerGroup;

/** What one partition of `__consumer_offsets` is the log of. */
export class GroupState {
  readonly #groups = new Map<string, Group>();
  readonly offsets = new OffsetStore();
  /** No state: what an operator reads of it. */
  readonly log: GroupLog;

  constructor(log: GroupLog) {
    this.log = log;
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** Only `apply` puts groups there and removes them: an operation appends records. */
  put(group: Group): void {
    this.#groups.set(group.groupId, group);
  }

  remove(groupId: string): void {
    this.#groups.delete(groupId);
  }
}
