import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { BusError } from "../rpc/bus.ts";
import type { Peers } from "../rpc/peers.ts";
import { AdminError, coordinatorNotAvailable } from "./admin-error.ts";
import type {
  GroupDetail,
  GroupSummary,
  GroupsAdmin,
  GroupUsage,
  OffsetMove,
  OffsetReset,
} from "./groups-admin.ts";
import { COORDINATOR_CALL_TIMEOUT_MS } from "./limits.ts";
import { askAdmin, serveAdmin } from "./peer-answers.ts";

interface Parts {
  readonly peers: Peers;
  readonly metadata: Metadata;
  readonly groups: Pick<GroupCoordinator, "coordinatorOf">;
  /** The groups that this broker coordinates. */
  readonly own: GroupsAdmin;
}

/**
 * All groups of a cluster, as any of its brokers shows them: whoever coordinates a group is asked.
 * Brokers ask each other rather than send the client there, for it may reach only one of them, and
 * may change something only on its own machine.
 */
export class ClusterGroups implements GroupsAdmin {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { own, peers } = parts;
    serveAdmin(peers, {
      listGroups: () => own.list(),
      describeGroup: (groupId: string) => own.describe(groupId),
      deleteGroup: (groupId: string) => own.delete(groupId),
      resetOffsets: (groupId: string, reset: OffsetReset) => own.resetOffsets(groupId, reset),
    });
  }

  /** All or none: a list without those of a broker that fails would look as if they were gone. */
  async list(): Promise<readonly GroupSummary[]> {
    const { metadata } = this.#parts;
    const partitions = metadata.image.topics.get(CONSUMER_OFFSETS_TOPIC)?.partitions ?? [];
    const coordinators = [...new Set(partitions.map(({ leader }) => leader))];
    if (coordinators.length === 0) return this.#parts.own.list();
    const lists = await Promise.all(
      coordinators.map((brokerId) =>
        this.#ask<readonly GroupSummary[]>(brokerId, "listGroups", []),
      ),
    );
    // One whose coordinator is changing may be on two lists.
    const byId = new Map(lists.flat().map((group) => [group.groupId, group]));
    return [...byId.values()];
  }

  async describe(groupId: string): Promise<GroupDetail> {
    const coordinator = this.#coordinatorOf(groupId);
    if (coordinator === null) return this.#parts.own.describe(groupId);
    return this.#ask(coordinator, "describeGroup", [groupId]);
  }

  async delete(groupId: string): Promise<void> {
    const coordinator = this.#coordinatorOf(groupId);
    if (coordinator === null) return this.#parts.own.delete(groupId);
    await this.#ask(coordinator, "deleteGroup", [groupId], unknownOutcome);
  }

  async resetOffsets(groupId: string, reset: OffsetReset): Promise<readonly OffsetMove[]> {
    const coordinator = this.#coordinatorOf(groupId);
    if (coordinator === null) return this.#parts.own.resetOffsets(groupId, reset);
    const onTimeout = reset.execute ? unknownOutcome : doesNotAnswer;
    return this.#ask(coordinator, "resetOffsets", [groupId, reset], onTimeout);
  }

  /** Of this broker's groups: each broker is scraped. */
  usage(): Promise<GroupUsage> {
    return this.#parts.own.usage();
  }

  /** Null while there is no topic of all groups, so that none is known. */
  #coordinatorOf(groupId: string): number | null {
    const { metadata, groups } = this.#parts;
    if (!metadata.image.topics.has(CONSUMER_OFFSETS_TOPIC)) return null;
    return groups.coordinatorOf(groupId);
  }

  async #ask<T>(
    brokerId: number,
    method: string,
    args: readonly unknown[],
    onTimeout: (brokerId: number, cause: BusError) => Error = doesNotAnswer,
  ): Promise<T> {
    if (brokerId < 0) throw coordinatorNotAvailable();
    try {
      const { peers } = this.#parts;
      return await askAdmin<T>(peers, brokerId, method, args, COORDINATOR_CALL_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      throw error.kind === "nobody" ? coordinatorNotAvailable(error) : onTimeout(brokerId, error);
    }
  }
}

function doesNotAnswer(_brokerId: number, cause: BusError): Error {
  return coordinatorNotAvailable(cause);
}

function unknownOutcome(brokerId: number, cause: BusError): Error {
  const text = `the group's coordinator, broker ${brokerId}, did not answer in time`;
  const message = `${text}: the change may have been made or not`;
  return new AdminError("outcome-unknown", message, { cause });
}
