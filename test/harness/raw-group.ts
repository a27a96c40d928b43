import {
  ConsumerGroupHeartbeat,
  ErrorCode,
  encodeConsumerSubscription,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  type RequestInput,
  SyncGroup,
} from "@tarpan/protocol";
import { RawConnection } from "./raw-connection.ts";

/** The newest versions that identify topics by name. */
const VERSIONS = { join: 9, sync: 5, heartbeat: 4, leave: 5, commit: 9 } as const;

export type Join = Partial<RequestInput<typeof JoinGroup>>;

export const SUBSCRIPTION = encodeConsumerSubscription({ topics: ["plain"] });

/**
 * A member of the classic protocol on its own connection, which sends only what a test asks for.
 */
export class RawMember {
  readonly groupId: string;
  readonly connection: RawConnection;
  memberId = "";
  groupInstanceId: string | null = null;
  generationId = -1;
  #protocolType: string | null = "consumer";
  #protocolName: string | null = "range";

  private constructor(groupId: string, connection: RawConnection) {
    this.groupId = groupId;
    this.connection = connection;
  }

  /** A client that has not joined. Waits until the group has a coordinator. */
  static async of(port: number, groupId: string, host?: string): Promise<RawMember> {
    const connection = await RawConnection.open(port, host);
    await coordinatorReady(connection, groupId);
    return new RawMember(groupId, connection);
  }

  /** A member that has joined and synced, alone in its group. */
  static async alone(port: number, groupId: string, join: Join = {}): Promise<RawMember> {
    const member = await RawMember.of(port, groupId);
    await member.join(join);
    await member.sync();
    return member;
  }

  /** Sends one JoinGroup; resolves to its response. */
  async tryJoin(join: Join = {}) {
    this.groupInstanceId = join.groupInstanceId ?? this.groupInstanceId;
    return this.connection.request(JoinGroup, VERSIONS.join, {
      groupId: this.groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: SUBSCRIPTION }],
      ...join,
    });
  }

  /** Joins; sends JoinGroup again if the first response only assigns a member id. */
  async join(join: Join = {}) {
    let answer = await this.tryJoin(join);
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = answer.memberId;
      answer = await this.tryJoin(join);
    }
    if (answer.errorCode !== 0) throw new Error(`JoinGroup: ${answer.errorCode}`);
    this.memberId = answer.memberId;
    this.generationId = answer.generationId;
    this.#protocolType = answer.protocolType;
    this.#protocolName = answer.protocolName;
    return answer;
  }

  #identity() {
    const { groupId, memberId, groupInstanceId, generationId } = this;
    return { groupId, memberId, groupInstanceId, generationId };
  }

  sync(sync: Partial<RequestInput<typeof SyncGroup>> = {}) {
    const assignments = [{ memberId: this.memberId, assignment: new Uint8Array(0) }];
    const protocol = { protocolType: this.#protocolType, protocolName: this.#protocolName };
    const body = { ...this.#identity(), ...protocol, assignments, ...sync };
    return this.connection.request(SyncGroup, VERSIONS.sync, body);
  }

  async heartbeat(heartbeat: Partial<RequestInput<typeof Heartbeat>> = {}): Promise<number> {
    const body = { ...this.#identity(), ...heartbeat };
    return (await this.connection.request(Heartbeat, VERSIONS.heartbeat, body)).errorCode;
  }

  /** The error code for the one member. */
  async leave(memberId = this.memberId, groupInstanceId = this.groupInstanceId): Promise<number> {
    const members = [{ memberId, groupInstanceId }];
    const body = { groupId: this.groupId, members };
    const answer = await this.connection.request(LeaveGroup, VERSIONS.leave, body);
    return answer.errorCode === 0 ? answer.members[0]!.errorCode : answer.errorCode;
  }

  /** The error code for partition 0 of `plain`. */
  async commit(commit: Partial<RequestInput<typeof OffsetCommit>> = {}): Promise<number> {
    const { generationId: generationIdOrMemberEpoch, ...identity } = this.#identity();
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }];
    const { topics } = await this.connection.request(OffsetCommit, VERSIONS.commit, {
      ...identity,
      generationIdOrMemberEpoch,
      topics: [{ name: "plain", partitions }],
      ...commit,
    });
    return topics[0]!.partitions[0]!.errorCode;
  }
}

/** Resolves when the group's coordinator answers requests. */
export async function coordinatorReady(connection: RawConnection, groupId: string): Promise<void> {
  const body = { keyType: 0, coordinatorKeys: [groupId] };
  for (;;) {
    const { coordinators } = await connection.request(FindCoordinator, 4, body);
    const probe = { groupId, generationId: 0, memberId: "nobody" };
    const { errorCode } = await connection.request(Heartbeat, VERSIONS.heartbeat, probe);
    const notYet: readonly number[] = [
      // While the coordinator loads, a heartbeat is answered without an error, as in Kafka.
      ErrorCode.NONE,
      ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
      ErrorCode.NOT_COORDINATOR,
    ];
    if (coordinators[0]!.errorCode === 0 && !notYet.includes(errorCode)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends one ConsumerGroupHeartbeat; by default the first of a new member. */
export function consumerHeartbeat(
  connection: RawConnection,
  groupId: string,
  heartbeat: Partial<RequestInput<typeof ConsumerGroupHeartbeat>> = {},
) {
  return connection.request(ConsumerGroupHeartbeat, 1, {
    groupId,
    memberId: "the-first",
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ["plain"],
    topicPartitions: [],
    ...heartbeat,
  });
}
