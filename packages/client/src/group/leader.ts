import {
  decodeConsumerSubscription,
  encodeConsumerAssignment,
  type JoinGroup,
  type ResponseOf,
} from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import { byTopic, type TopicPartition } from "../connection/offsets.ts";
import { ClientError, KafkaResponseError } from "../errors.ts";
import type { Assignor, AssignorMember } from "./assignors/assignor.ts";

type JoinedMember = ResponseOf<typeof JoinGroup>["members"][number];

/** The duties of a group's leader: to assign partitions, and to watch the topics for changes. */
export class GroupLeader {
  readonly #client: Client;
  /** Each topic's number of partitions at the last assignment; empty while another member leads. */
  #counts = new Map<string, number>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Becomes the leader without a new assignment (KIP-814: a static leader has restarted). */
  async lead(members: readonly JoinedMember[]): Promise<void> {
    this.#counts = await this.#fetchCounts(members.flatMap((each) => subscriptionOf(each).topics));
  }

  async assign(
    assignor: Assignor,
    members: readonly JoinedMember[],
  ): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    await this.lead(members);
    const group = members.map((each) => assignorMember(each, assignor));
    const assignment = assignor.assign(group, this.#counts);
    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(partitions),
    }));
  }

  follow(): void {
    this.#counts = new Map();
  }

  /** Whether a subscribed topic does not exist yet. */
  get missesTopics(): boolean {
    return [...this.#counts.values()].includes(0);
  }

  /** Whether topics were created, deleted or got more partitions since the last assignment. */
  async topicsChanged(): Promise<boolean> {
    const counts = this.#counts;
    const now = await this.#fetchCounts([...counts.keys()]);
    return (
      this.#counts === counts && [...counts].some(([topic, count]) => now.get(topic) !== count)
    );
  }

  async #fetchCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const counts = [...new Set(topics)].map(async (topic) => {
      return [topic, await this.#partitionsOf(topic)] as const;
    });
    return new Map(await Promise.all(counts));
  }

  /** 0 for a topic that does not exist, or that the broker refuses to describe. */
  async #partitionsOf(topic: string): Promise<number> {
    this.#client.forget(topic);
    try {
      return (await this.#client.topic(topic)).partitions.length;
    } catch (error) {
      const unknown = error instanceof ClientError && error.code === "TARPAN_UNKNOWN_TOPIC";
      if (unknown || (error instanceof KafkaResponseError && !error.retriable)) return 0;
      throw error;
    }
  }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Uint8Array {
  return encodeConsumerAssignment({ assignedPartitions: topicLists(partitions) });
}

export function topicLists(partitions: readonly TopicPartition[]) {
  return byTopic(partitions).map(([topic, list]) => ({
    topic,
    partitions: list.map(({ partition }) => partition),
  }));
}

function subscriptionOf({ metadata }: JoinedMember) {
  try {
    return decodeConsumerSubscription(metadata);
  } catch {
    // A member with a malformed subscription gets no partitions; the others still do.
    return { topics: [], ownedPartitions: [], generationId: -1, userData: null };
  }
}

function assignorMember(member: JoinedMember, assignor: Assignor): AssignorMember {
  const { topics, ownedPartitions, generationId, userData } = subscriptionOf(member);
  const owned = ownedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
  const { memberId, groupInstanceId } = member;
  const claimed = { memberId, groupInstanceId, topics, owned, generation: generationId };
  if (userData === null || assignor.readUserData === undefined) return claimed;
  try {
    const own = assignor.readUserData(userData);
    return {
      ...claimed,
      owned: own.owned ?? owned,
      generation: Math.max(generationId, own.generation ?? -1),
    };
  } catch {
    return claimed;
  }
}
