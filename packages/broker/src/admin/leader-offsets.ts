import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import { LedEndOffsets, PlanLedOffsets } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { RpcError } from "../rpc/rpc-error.ts";
import { AdminError } from "./admin-error.ts";
import { askAdmin, serveAdmin } from "./ask-brokers.ts";
import { known, moveMessage, moveOf, planMessage, targetOf, wantedOf } from "./broker-messages.ts";
import type { OffsetMove, OffsetReset, ResetTarget } from "./groups-admin.ts";
import { PEER_CALL_TIMEOUT_MS } from "./limits.ts";
import { type ResetFrom, targetsOf } from "./offset-reset.ts";

interface Parts {
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  /** Null for a broker that leads every partition. */
  readonly rpc: Rpc | null;
}

type Place = readonly [topic: string, partition: number];

/** Reads offsets of any partitions from the brokers that lead them. */
export class LeaderOffsets {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { rpc } = parts;
    if (rpc === null) return;
    rpc.serve(LedEndOffsets, async ({ partitions }) => {
      const ends = this.#endsHere(partitions.map(({ topic, partition }) => [topic, partition]));
      return { endOffsets: ends.map((end) => end ?? -1) };
    });
    serveAdmin(rpc, PlanLedOffsets, { moves: [] }, async (request) => {
      const wanted = wantedOf(request);
      const moves = await targetsOf(parts.partitions, request.topic, targetOf(request), wanted);
      return { moves: moves.map(moveMessage) };
    });
  }

  /**
   * End offsets; null for a partition that is offline or deleted, or whose leader can't be asked.
   */
  async ends(places: readonly Place[]): Promise<(number | null)[]> {
    const ends: (number | null)[] = places.map(() => null);
    const byLeader = grouped(places.keys(), (at) => this.#leaderOf(...places[at]!));
    await Promise.all(
      [...byLeader].map(async ([leader, indexes]) => {
        const found = await this.#endsAt(
          leader,
          indexes.map((at) => places[at]!),
        );
        for (const [nth, at] of indexes.entries()) ends[at] = found[nth] ?? null;
      }),
    );
    return ends;
  }

  /**
   * The target offset of each partition of the reset; `committed` has the group's offsets. Rejects
   * with AdminError.
   */
  async planReset(
    { topic, partitions: wanted, to }: OffsetReset,
    committed: ReadonlyMap<number, number>,
  ): Promise<OffsetMove[]> {
    const count = this.#parts.metadata.image.topics.get(topic)?.partitions.length ?? 0;
    if (count === 0)
      throw new AdminError("invalid", `there is no topic ${topic}`, { field: "topic" });
    const indexes = wanted ?? Array.from({ length: count }, (_, each) => each);
    const missing = indexes.find((index) => index >= count);
    if (missing !== undefined) {
      throw new AdminError("invalid", `there is no partition ${topic}-${missing}`, {
        field: "partitions",
      });
    }
    const byLeader = grouped(indexes, (index) => this.#leaderOf(topic, index));
    const moves = await Promise.all(
      [...byLeader].map(([leader, led]) => {
        const from = led.map((partition) => ({
          partition,
          from: committed.get(partition) ?? null,
        }));
        return this.#movesAt(leader, topic, to, from);
      }),
    );
    const byPartition = new Map(moves.flat().map((move) => [move.partition, move]));
    return indexes.map((index) => byPartition.get(index)!);
  }

  #leaderOf(topic: string, partition: number): number {
    const { image } = this.#parts.metadata;
    return image.topics.get(topic)?.partitions[partition]?.leader ?? NOBODY;
  }

  async #endsAt(leader: number, places: readonly Place[]): Promise<readonly (number | null)[]> {
    const { metadata, rpc } = this.#parts;
    if (leader === metadata.nodeId) return this.#endsHere(places);
    if (leader === NOBODY || rpc === null) return [];
    try {
      const request = { partitions: places.map(([topic, partition]) => ({ topic, partition })) };
      const answer = await rpc.call(LedEndOffsets, leader, request, PEER_CALL_TIMEOUT_MS);
      return answer.endOffsets.map(known);
    } catch (error) {
      if (error instanceof RpcError) return [];
      throw error;
    }
  }

  #endsHere(places: readonly Place[]): (number | null)[] {
    return places.map(([topic, index]) => {
      const found = this.#parts.partitions.find(topic, index);
      return typeof found === "number" ? null : found.highWatermark;
    });
  }

  async #movesAt(
    leader: number,
    topic: string,
    to: ResetTarget,
    wanted: readonly ResetFrom[],
  ): Promise<OffsetMove[]> {
    const { metadata, partitions, rpc } = this.#parts;
    if (leader === metadata.nodeId || rpc === null) return targetsOf(partitions, topic, to, wanted);
    if (leader === NOBODY) {
      const name = `${topic}-${wanted[0]!.partition}`;
      throw new AdminError("unavailable", `${name} has no leader at the moment`);
    }
    try {
      const request = planMessage(topic, to, wanted);
      const { moves } = await askAdmin(rpc, PlanLedOffsets, leader, request, PEER_CALL_TIMEOUT_MS);
      return moves.map(moveOf);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      // Not "outcome-unknown": reading offsets changes nothing.
      const text = `broker ${leader}, which leads ${topic}, does not answer`;
      throw new AdminError("unavailable", text, { cause: error });
    }
  }
}

/** No broker's id. */
const NOBODY = -1;

function grouped(all: Iterable<number>, keyOf: (one: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}
