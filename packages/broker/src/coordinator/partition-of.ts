/** `Utils.abs(key.hashCode()) % count` of Kafka, so that its tools agree with us. */
export function partitionOf(key: string, count: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash & 0x7fffffff) % count;
}
