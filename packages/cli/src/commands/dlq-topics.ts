import { Admin, type Client, ClientError, DeadLetters } from "@tarpan/client";
import { CommandError } from "../terminal/failures.ts";

const LIST_THEM = "list the topics of dead letters with: tarpan dlq list";

/** By default, `consume --dlq` and Kafka's share groups name them so. */
const isUsualName = (topic: string) => topic.endsWith(".dlq") || topic.startsWith("dlq.");

export async function deadLetterTopics(client: Client): Promise<string[]> {
  const topics = await new Admin(client).listTopics();
  return topics.map(({ name }) => name).filter(isUsualName);
}

export async function openLetters(client: Client, topic: string): Promise<DeadLetters> {
  const letters = new DeadLetters(client, topic);
  try {
    await client.topic(topic);
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== "TARPAN_UNKNOWN_TOPIC") throw error;
    throw new CommandError(`${error.message}; ${LIST_THEM}`, { cause: error });
  }
  return letters;
}

/**
 * Rejects if the topic has another name than usual and contains other records than dead letters: a
 * command that changes letters would change them.
 */
export async function requireDeadLetters(letters: DeadLetters): Promise<void> {
  if (isUsualName(letters.topic)) return;
  const { byTopic } = await letters.statistics();
  const others = byTopic[""] ?? 0;
  if (others === 0) return;
  throw new CommandError(
    `${letters.topic} is no topic of dead letters: ${others} of its records do not say where they ` +
      `came from; ${LIST_THEM}`,
  );
}
