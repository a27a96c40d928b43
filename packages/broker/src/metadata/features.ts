export const TRANSACTION_VERSION = "transaction.version";

/**
 * The features that this broker supports, and their levels (KIP-584). When a broker registers, each
 * feature that is not finalized yet is finalized at its highest level. `metadata.version` must be
 * written first: Kafka's tools need it to read the records after it.
 */
export const SUPPORTED_FEATURES = [
  /** Tells Kafka's tools which versions of metadata records to expect: up to IBP_4_0_IV3. */
  { name: "metadata.version", minVersion: 7, maxVersion: 25 },
  /** 1: the consumer group protocol (KIP-848). */
  { name: "group.version", minVersion: 0, maxVersion: 1 },
  /** 2: each transaction has an epoch of its own (KIP-890). */
  { name: TRANSACTION_VERSION, minVersion: 0, maxVersion: 2 },
] as const;
