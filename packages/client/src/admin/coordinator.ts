import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import { findCoordinator } from "../connection/find-coordinator.ts";

/**
 * Runs `ask` with a connection to the group's coordinator, which is looked up for each try: after
 * the retriable errors 14, 15 and 16 (loading, not available, not coordinator) another broker may
 * be the coordinator.
 */
export function askCoordinator<T>(
  client: Client,
  groupId: string,
  what: string,
  ask: (coordinator: Connection, nodeId: number) => Promise<T>,
): Promise<T> {
  return client.retrying(`${what} of group ${groupId}`, async () => {
    const { nodeId } = await findCoordinator(client, "group", groupId);
    return ask(await client.connectionTo(nodeId), nodeId);
  });
}
