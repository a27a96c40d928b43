import type { ReplicaStates } from "../log/replication.ts";
import type { MisplacedLog } from "../metadata/decide-isr.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { METADATA_LOG } from "../metadata/metadata-log.ts";
import { METADATA_REPLICAS } from "./limits.ts";

/** How many replicas the metadata has. Never 4: that survives no more failures than 3. */
export function metadataReplicas(brokers: number): number {
  if (brokers >= METADATA_REPLICAS) return METADATA_REPLICAS;
  return brokers === 4 ? 3 : brokers;
}

/**
 * Where the metadata log must have its replicas after brokers were registered or removed; empty if
 * nothing has to move. The brokers in `alive` may register soon, so they keep their replicas.
 */
export function misplacedMetadata(
  image: MetadataImage,
  states: readonly ReplicaStates[],
  alive: readonly number[],
): MisplacedLog[] {
  const state = states.find(({ id }) => id.topicId === METADATA_LOG.topicId);
  if (state === undefined || state.replicas.length === 0) return [];
  const there = state.replicas.map(({ brokerId }) => brokerId);
  const known = new Set([...image.brokers.keys(), ...alive]);
  const kept = there.filter((id) => known.has(id));
  const wanted = metadataReplicas(new Set([...image.brokers.keys(), ...kept]).size);
  const ready = [...image.brokers.values()].filter(({ id, fenced }) => {
    return !fenced && !there.includes(id);
  });
  const target = [...kept, ...ready.map(({ id }) => id).sort((a, b) => a - b)].slice(0, wanted);
  const right = target.length === there.length && target.every((id) => there.includes(id));
  return right ? [] : [{ id: METADATA_LOG, replicas: target }];
}
