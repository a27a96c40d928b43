/**
 * What a broker is started with, validated. Made from flags, environment and file by `config/`,
 * or from `BrokerOptions` when embedded. Never changes while the broker runs: what may change
 * (Kafka's dynamic configs) lives in the metadata image.
 */
export interface BrokerSettings {
  /** Kafka's numeric broker id, 0 … 2^31-1. */
  readonly nodeId: number;
  /** Address to listen on. */
  readonly bindAddress: string;
  /** Port to listen on, 0 for any free one. */
  readonly bindPort: number;
  readonly storage: "memory" | "segment";
  /** Data directory of the segment engine; unused by the memory engine. */
  readonly dataDirectory: string;
  readonly flush: FlushPolicy;
  /** Kafka broker configs given at start (`num.partitions` …), by Kafka's names, validated. */
  readonly kafkaConfigs: Readonly<Record<string, string>>;
}

/**
 * When an append counts as durable. `always`: after fdatasync, shared by all appends that waited
 * for it. `interval`: at once, synced every `intervalMs`. `never`: at once, synced by the
 * operating system when it likes. A power failure can lose what was not synced.
 */
export type FlushPolicy =
  | { readonly mode: "always" }
  | { readonly mode: "interval"; readonly intervalMs: number }
  | { readonly mode: "never" };
