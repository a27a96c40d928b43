import { FindCoordinator } from "@tarpan/protocol";
import { RawConnection } from "../harness/raw-connection.ts";
import { RawMember } from "../harness/raw-group.ts";

/** A member whose JoinGroup waits for another member, which never joins again. */
export interface WaitingMember {
  readonly coordinatorId: number;
  /** Resolves when the broker has closed its connection. */
  readonly letGo: Promise<void>;
}

export async function waitingMember(
  [bootstrap]: readonly string[],
  groupId: string,
): Promise<WaitingMember> {
  const [host, port] = bootstrap!.split(":");
  const connection = await RawConnection.open(Number(port), host);
  const { nodeId, ...at } = await coordinatorOf(connection, groupId);
  connection.close();
  const [first, second] = [
    await RawMember.of(at.port, groupId, at.host),
    await RawMember.of(at.port, groupId, at.host),
  ];
  await first.join();
  await first.sync();
  second.memberId = (await second.tryJoin()).memberId;
  second.tryJoin().catch(() => {});
  return { coordinatorId: nodeId, letGo: second.connection.closed };
}

async function coordinatorOf(connection: RawConnection, groupId: string) {
  for (;;) {
    const body = { keyType: 0, coordinatorKeys: [groupId] };
    const { coordinators } = await connection.request(FindCoordinator, 4, body);
    const [coordinator] = coordinators;
    if (coordinator!.errorCode === 0) return coordinator!;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
