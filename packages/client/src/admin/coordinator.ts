import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import { findCoordinator } from "../connection/find-coordinator.ts";

/**
 * Runs `ask` with a connection to the group's coordinator, found anew for each try: errors 14, 15
 * and 16 (loading, not available, not this one) are retriable, and so may move to another broker.
 */
export function askCoordinator<T>(
  client: Client,
  groupId: string,
  what: string,
  ask: (coordinator: Connection, nodeId: number) => Promise<T>,
): Promise<T> {
  return client.retrying(`${what} of group ${groupId}`, async () => {
    const { nodeId } = await findCoordinator(client, groupId);
    return ask(await client.connectionTo(nodeId), nodeId);
  });
}
