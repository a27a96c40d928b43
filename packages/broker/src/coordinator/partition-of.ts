/** Kafka's `Utils.abs(key.hashCode()) % count`: its tools compute the partition themselves. */
export function partitionOf(key: string, count: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash & 0x7fffffff) % count;
}
