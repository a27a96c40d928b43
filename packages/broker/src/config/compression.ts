// The keys of compression by the broker, as the broker configs that obey them.
import type { KeyName, Values } from "./keys.ts";
import type { Given } from "./sources.ts";

const TYPE = "tarpan.compression.type";
const THRESHOLD = "tarpan.compression.threshold.bytes";
/** Fast, and read by all clients. */
const DEFAULT_TYPE = "snappy";

type AllGiven = ReadonlyMap<KeyName, Given>;

export function compressionConfigs(values: Values, given: AllGiven): Map<string, Given> {
  const configs = new Map<string, Given>();
  if (values.compression_enabled !== true) return configs;
  const type = values.compression_type ?? DEFAULT_TYPE;
  const { where } = given.get("compression_type") ?? given.get("compression_enabled")!;
  configs.set(TYPE, { value: type === "zlib" ? "gzip" : type, where });
  const threshold = given.get("compression_threshold");
  if (threshold !== undefined) configs.set(THRESHOLD, threshold);
  return configs;
}

/** Without `compression_enabled` the other keys do nothing; false is what it was asked for. */
export function compressionWarnings(values: Values, given: AllGiven): string[] {
  if (values.compression_enabled !== undefined) return [];
  const keys = ["compression_type", "compression_threshold"] as const;
  const unused = keys.filter((key) => given.has(key) && given.get(key)?.value !== "none");
  if (unused.length === 0) return [];
  return [`no effect: ${unused.join(", ")}: compression_enabled is not true`];
}
