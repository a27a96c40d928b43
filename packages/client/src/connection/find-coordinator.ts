import { FindCoordinator } from "@tarpan/protocol";
import { assertOk } from "../errors.ts";
import type { Client } from "./client.ts";
import type { BrokerAddress } from "./metadata.ts";

const GROUP = 0;

/** Asks one broker, once. Rejects with a retriable error while the group has no coordinator. */
export async function findCoordinator(
  client: Client,
  groupId: string,
): Promise<Omit<BrokerAddress, "rack">> {
  const connection = await client.anyConnection();
  const body = { key: groupId, keyType: GROUP, coordinatorKeys: [groupId] };
  const answer = await connection.request(FindCoordinator, body);
  const { errorCode, errorMessage, nodeId, host, port } = answer.coordinators[0] ?? answer;
  assertOk(errorCode, `the coordinator of group ${groupId}`, errorMessage);
  return { nodeId, host, port };
}
