import { ErrorCode } from "@tarpan/protocol";
import { KafkaError } from "../util/kafka-error.ts";
import type { BrokerImage, MetadataImage } from "./image.ts";
import {
  addedBy,
  FIRST_LEVEL,
  LAST_UNTOLD_LEVEL,
  levelOfRecord,
  METADATA_LEVEL,
} from "./record-levels.ts";
import { featureRecord, type MetadataRecord } from "./records.ts";

type Features = Pick<BrokerImage, "id" | "features">;

/** The level of what was written so far. It never goes down. */
export function writtenLevel({ features }: Pick<MetadataImage, "features">): number {
  return features.get(METADATA_LEVEL) ?? FIRST_LEVEL;
}

/** Up to which level a broker reads; null if its release does not tell. */
export function toldLevel({ features }: Omit<Features, "id">): number | null {
  return features.find(({ name }) => name === METADATA_LEVEL)?.maxVersion ?? null;
}

/** Up to which level every registered broker reads, also those that are down. */
export function sharedLevel(image: MetadataImage): number {
  const levels = [...image.brokers.values()].map(certainLevel);
  return Math.max(writtenLevel(image), levels.length === 0 ? FIRST_LEVEL : Math.min(...levels));
}

/**
 * The records of a decision, after one that raises the level if they need that. Throws KafkaError
 * when a registered broker could not read them: it would end, and could not start again. Brokers
 * that are not registered don't count: whoever joins later reads what there is, or is refused.
 */
export function withinLevel(
  image: MetadataImage,
  records: readonly MetadataRecord[],
): readonly MetadataRecord[] {
  const written = writtenLevel(image);
  let needed = written;
  for (const record of records) needed = Math.max(needed, levelOfRecord(record));
  if (needed === written) return records;
  const behind = [...image.brokers.values()].filter((broker) => certainLevel(broker) < needed);
  if (behind.length > 0) {
    throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, heldBack(needed, behind));
  }
  return [featureRecord(METADATA_LEVEL, needed), ...records];
}

/** Why a broker can't register: it could not read what was written. Null if it may be able to. */
export function tooOld(image: MetadataImage, broker: Features): string | null {
  const written = writtenLevel(image);
  if ((toldLevel(broker) ?? LAST_UNTOLD_LEVEL) >= written) return null;
  return (
    `the metadata of this cluster is at level ${written}, and broker ${textOf(broker)}: start it ` +
    "with the release of the other brokers"
  );
}

function certainLevel(broker: BrokerImage): number {
  return toldLevel(broker) ?? FIRST_LEVEL;
}

function heldBack(needed: number, behind: readonly BrokerImage[]): string {
  const brokers = behind.map((broker) => `broker ${textOf(broker)}`).join(", ");
  const them = behind.length === 1 ? "it" : "them";
  return (
    `nothing was changed: ${addedBy(needed)} need level ${needed} of the metadata, but ${brokers}: ` +
    `upgrade and restart ${them} first, or remove ${them} for good (tarpan cluster remove)`
  );
}

function textOf(broker: Features): string {
  const level = toldLevel(broker);
  const reads = level === null ? "is of a release without levels" : `reads up to level ${level}`;
  return `${broker.id} ${reads}`;
}
