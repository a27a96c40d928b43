import type { Client } from "../connection/client.ts";
import type { TopicMetadata } from "../connection/metadata.ts";
import { ClientError } from "../errors.ts";

/**
 * A topic that only Tarpan gives its meaning. Rejects with `code` if the cluster has none. Never
 * creates it: as an ordinary topic it would swallow the records.
 */
export async function requireTarpanTopic(
  client: Client,
  topic: string,
  code: `TARPAN_${string}`,
  missing: string,
): Promise<TopicMetadata> {
  try {
    return await client.topic(topic);
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== "TARPAN_UNKNOWN_TOPIC") throw error;
    const why = `this cluster has no topic ${topic}: it is a Kafka, or a Tarpan that is too old`;
    throw new ClientError(code, `${missing}, and ${why}`, { cause: error });
  }
}
