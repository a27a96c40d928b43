import { FindCoordinator } from "@tarpan/protocol";
import type { Client } from "../client.ts";
import type { Connection } from "../connection.ts";
import { assertOk } from "../errors.ts";

const GROUP = 0;

/**
 * Runs `ask` with a connection to the group's coordinator, found anew for each try: errors 14, 15 and
 * 16 (loading, not available, not this one) are retriable, and so may move to another broker.
 */
export function askCoordinator<T>(
  client: Client,
  groupId: string,
  what: string,
  ask: (coordinator: Connection, nodeId: number) => Promise<T>,
): Promise<T> {
  return client.retrying(`${what} of group ${groupId}`, async () => {
    const anyone = await client.anyConnection();
    const body = { key: groupId, keyType: GROUP, coordinatorKeys: [groupId] };
    const answer = await anyone.request(FindCoordinator, body);
    const { errorCode, errorMessage, nodeId } = answer.coordinators[0] ?? answer;
    assertOk(errorCode, `the coordinator of group ${groupId}`, errorMessage);
    return ask(await client.connectionTo(nodeId), nodeId);
  });
}
