import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import { BusError } from "../rpc/bus.ts";
import type { Peers } from "../rpc/peers.ts";
import { AdminError } from "./admin-error.ts";
import type { OffsetMove, OffsetReset, ResetTarget } from "./groups-admin.ts";
import { type ResetFrom, targetsOf } from "./offset-reset.ts";
import { askAdmin, serveAdmin } from "./peer-answers.ts";

interface Parts {
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  /** Null for a broker that leads every partition. */
  readonly peers: Peers | null;
}

type Place = readonly [topic: string, partition: number];

/** Offsets of all partitions there are, each asked from the broker that leads it. */
export class LeaderOffsets {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    if (parts.peers === null) return;
    serveAdmin(parts.peers, {
      endOffsets: async (places: readonly Place[]) => this.#endsHere(places),
      resetTargets: (topic: string, to: ResetTarget, wanted: readonly ResetFrom[]) =>
        targetsOf(parts.partitions, topic, to, wanted),
    });
  }

  /** The end of each partition; null where it is offline or gone, or its leader can't say. */
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
   * Where each partition of the reset would go; `committed` is what the group stands at. Rejects
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
    const { metadata, peers } = this.#parts;
    if (leader === metadata.nodeId) return this.#endsHere(places);
    if (leader === NOBODY || peers === null) return [];
    try {
      return await askAdmin(peers, leader, "endOffsets", [places]);
    } catch (error) {
      if (error instanceof BusError) return [];
      throw error;
    }
  }

  #endsHere(places: readonly Place[]): (number | null)[] {
    return places.map(([topic, index]) => {
      const found = this.#parts.partitions.find(topic, index);
      return typeof found === "number" ? null : found.highWatermark;
    });
  }

  #movesAt(
    leader: number,
    topic: string,
    to: ResetTarget,
    wanted: readonly ResetFrom[],
  ): Promise<OffsetMove[]> {
    const { metadata, partitions, peers } = this.#parts;
    if (leader === metadata.nodeId || peers === null)
      return targetsOf(partitions, topic, to, wanted);
    if (leader === NOBODY) {
      const name = `${topic}-${wanted[0]!.partition}`;
      throw new AdminError("unavailable", `${name} has no leader at the moment`);
    }
    const asked = askAdmin<OffsetMove[]>(peers, leader, "resetTargets", [topic, to, wanted]);
    return asked.catch((error) => {
      if (!(error instanceof BusError)) throw error;
      // Only asked, nothing is changed yet.
      const text = `broker ${leader}, which leads ${topic}, does not answer`;
      throw new AdminError("unavailable", text, { cause: error });
    });
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
