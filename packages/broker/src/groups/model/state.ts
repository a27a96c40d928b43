import type { GroupLog } from "../group-log.ts";
import type { ClassicGroup } from "./classic/group.ts";
import type { ConsumerGroup } from "./consumer/consumer-group.ts";
import { OffsetStore } from "./offset-store.ts";

/** `kind` tells which. Both kinds share one name space (KIP-848). */
export type Group = ClassicGroup | ConsumerGroup;

/** The groups and offsets of one partition of `__consumer_offsets`. */
export class GroupState {
  readonly #groups = new Map<string, Group>();
  readonly offsets = new OffsetStore();
  /** Not state: writes log lines for operators. */
  readonly log: GroupLog;

  constructor(log: GroupLog) {
    this.log = log;
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** Only for `apply`: an operation appends records instead. */
  put(group: Group): void {
    this.#groups.set(group.groupId, group);
  }

  remove(groupId: string): void {
    this.#groups.delete(groupId);
  }
}
