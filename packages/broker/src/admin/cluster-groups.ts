import type { Api, Fields, Input, Output } from "@tarpan/protocol";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import {
  DeleteCoordinatedGroup,
  DescribeCoordinatedGroup,
  ListCoordinatedGroups,
  ResetCoordinatedOffsets,
} from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { RpcError } from "../rpc/rpc-error.ts";
import { AdminError, coordinatorNotAvailable } from "./admin-error.ts";
import { askAdmin, serveAdmin } from "./ask-brokers.ts";
import {
  detailMessage,
  detailOf,
  moveMessage,
  moveOf,
  resetMessage,
  resetOf,
  summaryOf,
} from "./broker-messages.ts";
import type {
  GroupDetail,
  GroupSummary,
  GroupsAdmin,
  GroupUsage,
  OffsetMove,
  OffsetReset,
} from "./groups-admin.ts";
import { COORDINATOR_CALL_TIMEOUT_MS } from "./limits.ts";

interface Parts {
  readonly rpc: Rpc;
  readonly metadata: Metadata;
  readonly groups: Pick<GroupCoordinator, "coordinatorOf">;
  /** The groups that this broker coordinates. */
  readonly own: GroupsAdmin;
}

/**
 * All groups of a cluster: asks each group's coordinator. The client is not redirected to it,
 * because it may reach only this broker, and may make changes only over loopback.
 */
export class ClusterGroups implements GroupsAdmin {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { own, rpc } = parts;
    serveAdmin(rpc, ListCoordinatedGroups, { groups: [] }, async () => {
      return { groups: await own.list() };
    });
    serveAdmin(rpc, DescribeCoordinatedGroup, { group: null }, async ({ groupId }) => {
      return { group: detailMessage(await own.describe(groupId)) };
    });
    serveAdmin(rpc, DeleteCoordinatedGroup, {}, async ({ groupId }) => {
      await own.delete(groupId);
      return {};
    });
    serveAdmin(rpc, ResetCoordinatedOffsets, { moves: [] }, async (request) => {
      const moves = await own.resetOffsets(request.groupId, resetOf(request));
      return { moves: moves.map(moveMessage) };
    });
  }

  /** Rejects if one coordinator does not answer: its groups would seem to be deleted. */
  async list(): Promise<readonly GroupSummary[]> {
    const { metadata } = this.#parts;
    const partitions = metadata.image.topics.get(CONSUMER_OFFSETS_TOPIC)?.partitions ?? [];
    const coordinators = [...new Set(partitions.map(({ leader }) => leader))];
    if (coordinators.length === 0) return this.#parts.own.list();
    const lists = await Promise.all(
      coordinators.map(async (brokerId) => {
        if (brokerId === metadata.nodeId) return this.#parts.own.list();
        const { groups } = await this.#ask(ListCoordinatedGroups, brokerId, {});
        return groups.map(summaryOf);
      }),
    );
    // A group whose coordinator is changing may be in two lists.
    const byId = new Map(lists.flat().map((group) => [group.groupId, group]));
    return [...byId.values()];
  }

  async describe(groupId: string): Promise<GroupDetail> {
    const coordinator = this.#coordinatorOf(groupId);
    if (coordinator === null) return this.#parts.own.describe(groupId);
    const { group } = await this.#ask(DescribeCoordinatedGroup, coordinator, { groupId });
    return detailOf(group!);
  }

  async delete(groupId: string): Promise<void> {
    const coordinator = this.#coordinatorOf(groupId);
    if (coordinator === null) return this.#parts.own.delete(groupId);
    await this.#ask(DeleteCoordinatedGroup, coordinator, { groupId }, unknownOutcome);
  }

  async resetOffsets(groupId: string, reset: OffsetReset): Promise<readonly OffsetMove[]> {
    const coordinator = this.#coordinatorOf(groupId);
    if (coordinator === null) return this.#parts.own.resetOffsets(groupId, reset);
    const onTimeout = reset.execute ? unknownOutcome : doesNotAnswer;
    const request = resetMessage(groupId, reset);
    const { moves } = await this.#ask(ResetCoordinatedOffsets, coordinator, request, onTimeout);
    return moves.map(moveOf);
  }

  /** Only the groups that this broker coordinates: every broker is scraped. */
  usage(): Promise<GroupUsage> {
    return this.#parts.own.usage();
  }

  /** Null for this broker, and before `__consumer_offsets` exists: then there are no groups. */
  #coordinatorOf(groupId: string): number | null {
    const { metadata, groups } = this.#parts;
    if (!metadata.image.topics.has(CONSUMER_OFFSETS_TOPIC)) return null;
    const coordinator = groups.coordinatorOf(groupId);
    return coordinator === metadata.nodeId ? null : coordinator;
  }

  async #ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    brokerId: number,
    request: Input<Q>,
    onTimeout: (brokerId: number, cause: RpcError) => Error = doesNotAnswer,
  ): Promise<Output<S>> {
    if (brokerId < 0) throw coordinatorNotAvailable();
    try {
      const { rpc } = this.#parts;
      return await askAdmin(rpc, api, brokerId, request, COORDINATOR_CALL_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      throw error.kind === "not-done" ? coordinatorNotAvailable(error) : onTimeout(brokerId, error);
    }
  }
}

function doesNotAnswer(_brokerId: number, cause: RpcError): Error {
  return coordinatorNotAvailable(cause);
}

function unknownOutcome(brokerId: number, cause: RpcError): Error {
  const text = `the group's coordinator, broker ${brokerId}, did not answer in time`;
  const message = `${text}: the change may have been made or not`;
  return new AdminError("outcome-unknown", message, { cause });
}
