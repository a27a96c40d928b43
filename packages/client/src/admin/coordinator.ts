import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import { type Coordinated, findCoordinator } from "../connection/find-coordinator.ts";

/**
 * Runs `ask` with a connection to the coordinator of a group or transactional id, which is looked
 * up for each try: after the retriable errors 14, 15 and 16 (loading, not available, not
 * coordinator) another broker may be the coordinator.
 */
export function askCoordinator<T>(
  client: Client,
  kind: Coordinated,
  key: string,
  what: string,
  ask: (coordinator: Connection, nodeId: number) => Promise<T>,
): Promise<T> {
  return client.retrying(`${what} of ${kind} ${key}`, async () => {
    const { nodeId } = await findCoordinator(client, kind, key);
    return ask(await client.connectionTo(nodeId), nodeId);
  });
}
