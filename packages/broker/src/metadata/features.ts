import { FIRST_LEVEL, LATEST_LEVEL, METADATA_LEVEL } from "./record-levels.ts";

/** The levels of one feature that a broker supports, from lowest to highest. */
export interface SupportedFeature {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export const METADATA_VERSION = "metadata.version";
export const GROUP_VERSION = "group.version";
export const TRANSACTION_VERSION = "transaction.version";

/**
 * The features that this broker supports, and their levels (KIP-584). When a broker registers, each
 * feature that was never finalized is finalized at its highest level; UpdateFeatures changes it.
 * The metadata's level begins at its lowest, and rises with what is written: metadata-level.ts.
 * `metadata.version` must be written first: Kafka's tools need it to read the records after it.
 */
export const SUPPORTED_FEATURES: readonly SupportedFeature[] = [
  /** Tells Kafka's tools which versions of metadata records to expect: up to IBP_4_0_IV3. */
  { name: METADATA_VERSION, minVersion: 7, maxVersion: 25 },
  /** 1: the consumer group protocol (KIP-848). */
  { name: GROUP_VERSION, minVersion: 0, maxVersion: 1 },
  /** 2: each transaction has an epoch of its own (KIP-890). */
  { name: TRANSACTION_VERSION, minVersion: 0, maxVersion: 2 },
  { name: METADATA_LEVEL, minVersion: FIRST_LEVEL, maxVersion: LATEST_LEVEL },
];

/** The levels of `metadata.version` that changed records: none is gone back behind, as in Kafka. */
export const RECORDS_CHANGED_AT: readonly number[] = [8, 11, 13, 14, 15, 17, 23];
