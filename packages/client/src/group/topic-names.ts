import type { Client } from "../connection/client.ts";
import { hasId } from "../connection/metadata.ts";

/** The names of topics that a coordinator identifies by their ids (KIP-848). */
export class TopicNames {
  readonly #client: Client;
  readonly #names = new Map<string, string>();

  constructor(client: Client) {
    this.#client = client;
  }

  nameOf(topicId: string): string | undefined {
    return this.#names.get(topicId);
  }

  /** Learns the names of these ids, as far as they are ids of `topics`. Never rejects. */
  async learn(topicIds: readonly string[], topics: readonly string[]): Promise<void> {
    for (const cached of [true, false]) {
      if (topicIds.every((id) => this.#names.has(id))) return;
      await Promise.all(topics.map((topic) => this.#learn(topic, cached)));
    }
  }

  /** Forgets all other names: topics that were deleted would accumulate. */
  retain(topicIds: ReadonlySet<string>): void {
    for (const id of this.#names.keys()) if (!topicIds.has(id)) this.#names.delete(id);
  }

  async #learn(name: string, cached: boolean): Promise<void> {
    if (!cached) this.#client.forget(name);
    const topic = await this.#client.topic(name).catch(() => null);
    if (topic !== null && hasId(topic)) this.#names.set(topic.id, name);
  }
}
