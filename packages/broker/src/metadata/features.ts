/**
 * The features this broker knows, and their levels (KIP-584). A broker that registers finalizes
 * each that is not yet, at its highest level; the first is written first, as Kafka's readers want
 * it.
 */
export const SUPPORTED_FEATURES = [
  /** Tells Kafka's tools which versions of metadata records to expect: up to IBP_4_0_IV3. */
  { name: "metadata.version", minVersion: 7, maxVersion: 25 },
  /** 1: the consumer group protocol (KIP-848). */
  { name: "group.version", minVersion: 0, maxVersion: 1 },
] as const;
