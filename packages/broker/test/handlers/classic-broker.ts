import {
  encodeConsumerSubscription,
  FindCoordinator,
  JoinGroup,
  type RequestInput,
  SyncGroup,
} from "@tarpan/protocol";
import { WholeBroker } from "./whole-broker.ts";

export const INITIAL_DELAY_MS = 3_000;
export const SUBSCRIPTION = encodeConsumerSubscription({ topics: ["t"] });

/** A broker whose coordinators are loaded. */
export async function classicBroker(configs: Record<string, string> = {}): Promise<WholeBroker> {
  const broker = await WholeBroker.start(configs);
  await broker.call(FindCoordinator, 3, { key: "g" });
  return broker;
}

export function joinRequest(
  fields: Partial<RequestInput<typeof JoinGroup>> = {},
): RequestInput<typeof JoinGroup> {
  return {
    groupId: "g",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: SUBSCRIPTION }],
    ...fields,
  };
}

/** Makes a stable group of one member in generation 1. Returns the member's id. */
export async function stableGroup(
  broker: WholeBroker,
  fields: Partial<RequestInput<typeof JoinGroup>> = {},
): Promise<string> {
  const joining = broker.call(JoinGroup, fields.groupInstanceId ? 5 : 3, joinRequest(fields));
  broker.time.advance(INITIAL_DELAY_MS);
  const { memberId } = await joining;
  await broker.call(SyncGroup, 3, {
    groupId: fields.groupId ?? "g",
    generationId: 1,
    memberId,
    assignments: [{ memberId, assignment: Uint8Array.of(1, 2, 3) }],
  });
  return memberId;
}
