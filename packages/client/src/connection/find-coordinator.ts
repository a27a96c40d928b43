import { FindCoordinator } from "@tarpan/protocol";
import { assertOk } from "../errors.ts";
import type { Client } from "./client.ts";
import type { BrokerAddress } from "./metadata.ts";

/** What a coordinator is responsible for, and its key type in FindCoordinator. */
const KEY_TYPES = { group: 0, "transactional id": 1 } as const;
export type Coordinated = keyof typeof KEY_TYPES;

/** Asks one broker, once. Rejects with a retriable error while there is no coordinator. */
export async function findCoordinator(
  client: Client,
  kind: Coordinated,
  key: string,
): Promise<Omit<BrokerAddress, "rack">> {
  const connection = await client.anyConnection();
  const body = { key, keyType: KEY_TYPES[kind], coordinatorKeys: [key] };
  const answer = await connection.request(FindCoordinator, body);
  const { errorCode, errorMessage, nodeId, host, port } = answer.coordinators[0] ?? answer;
  assertOk(errorCode, `the coordinator of ${kind} ${key}`, errorMessage);
  return { nodeId, host, port };
}
