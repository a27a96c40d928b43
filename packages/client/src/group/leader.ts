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

/** What the leader of a group does for the others: deals partitions out, and watches the topics. */
export class GroupLeader {
  readonly #client: Client;
  /** Partitions by topic as last dealt out; empty while another member leads. */
  #dealt = new Map<string, number>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Takes the duty on again without dealing anything out (KIP-814). */
  async lead(members: readonly JoinedMember[]): Promise<void> {
    this.#dealt = await this.#count(members.flatMap((each) => subscriptionOf(each).topics));
  }

  async assign(
    assignor: Assignor,
    members: readonly JoinedMember[],
  ): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    await this.lead(members);
    const group = members.map((each) => assignorMember(each, assignor));
    const assignment = assignor.assign(group, this.#dealt);
    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(partitions),
    }));
  }

  follow(): void {
    this.#dealt = new Map();
  }

  /** Whether some topic does not exist (yet). */
  get missesTopics(): boolean {
    return [...this.#dealt.values()].includes(0);
  }

  /** Whether topics came, went or grew since they were dealt out. */
  async topicsChanged(): Promise<boolean> {
    const dealt = this.#dealt;
    const now = await this.#count([...dealt.keys()]);
    return this.#dealt === dealt && [...dealt].some(([topic, count]) => now.get(topic) !== count);
  }

  async #count(topics: readonly string[]): Promise<Map<string, number>> {
    const counts = [...new Set(topics)].map(async (topic) => {
      return [topic, await this.#partitionsOf(topic)] as const;
    });
    return new Map(await Promise.all(counts));
  }

  /** 0 for a topic that does not exist, or can't. */
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
    // A member that speaks nonsense gets nothing; the others shall not suffer for it.
    return { topics: [], ownedPartitions: [], generationId: -1, userData: null };
  }
}

function assignorMember(member: JoinedMember, assignor: Assignor): AssignorMember {
  const { topics, ownedPartitions, generationId, userData } = subscriptionOf(member);
  const owned = ownedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
  const { memberId, groupInstanceId } = member;
  const said = { memberId, groupInstanceId, topics, owned, generation: generationId };
  if (userData === null || assignor.readUserData === undefined) return said;
  try {
    const own = assignor.readUserData(userData);
    return {
      ...said,
      owned: own.owned ?? owned,
      generation: Math.max(generationId, own.generation ?? -1),
    };
  } catch {
    return said;
  }
}
