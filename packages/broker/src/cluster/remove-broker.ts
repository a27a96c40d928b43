import { ErrorCode } from "@tarpan/protocol";
import { decideReassign } from "../metadata/decide-reassign.ts";
import { decideUnregisterBroker } from "../metadata/decide-unregister-broker.ts";
import { type MetadataImage, partitionsOf } from "../metadata/image.ts";
import type { LocalController } from "../metadata/local-controller.ts";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";
import { isRefusal } from "../metadata/placement.ts";
import { planDecommission } from "../metadata/plan-replicas.ts";
import type { ClusterEngine } from "./cluster-engine.ts";

type RemoveServer = ClusterEngine["removeServer"];

export type Removal = Outcome & {
  readonly partitionsLeft: number;
  readonly done: boolean;
};

/**
 * Takes one step of a broker's removal: moves its replicas to others; asks the operator to stop it;
 * removes its nats-server and unregisters it. To be repeated until `done`.
 */
export async function removeBroker(
  brokerId: number,
  local: LocalController,
  removeServer: RemoveServer,
): Promise<Removal> {
  const { image } = local;
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return serverRemoval(brokerId, removeServer);
  const left = partitionsOn(image, brokerId);
  if (left > 0) {
    const plan = planDecommission(image, brokerId);
    if (isRefusal(plan)) return notYet(left, plan);
    const options = { allowReplicationFactorChange: false };
    await local.decide((now) => decideReassign(now, plan.topics, options));
    return notYet(left, DONE);
  }
  if (!broker.fenced) {
    const text = `broker ${brokerId} holds no replicas any more: stop it now`;
    return notYet(0, refused(ErrorCode.NONE, text));
  }
  // Unregisters it last: as long as it is registered, the removal is not complete.
  const removal = await serverRemoval(brokerId, removeServer);
  const mayGo = removal.done || removal.errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED;
  if (!mayGo) return removal;
  const outcome = await local.decide((now) => decideUnregisterBroker(now, brokerId));
  if (outcome.errorCode !== ErrorCode.NONE) return notYet(0, outcome);
  return GONE;
}

/** Refused with BROKER_ID_NOT_REGISTERED if the engine knows no such server. */
async function serverRemoval(brokerId: number, removeServer: RemoveServer): Promise<Removal> {
  const removal = (await removeServer?.(brokerId)) ?? { kind: "unknown" };
  switch (removal.kind) {
    case "removed":
      return GONE;
    case "runs": {
      const text = `broker ${brokerId}'s nats-server still runs: stop the broker, then repeat this`;
      return notYet(0, refused(ErrorCode.NONE, text));
    }
    case "failed":
      return notYet(0, refused(ErrorCode.REQUEST_TIMED_OUT, removal.why));
    case "unknown": {
      const text = `no broker ${brokerId} is registered`;
      return notYet(0, refused(ErrorCode.BROKER_ID_NOT_REGISTERED, text));
    }
  }
}

const GONE: Removal = { ...DONE, partitionsLeft: 0, done: true };

function notYet(partitionsLeft: number, outcome: Outcome): Removal {
  return { ...outcome, partitionsLeft, done: false };
}

function partitionsOn(image: MetadataImage, brokerId: number): number {
  let count = 0;
  for (const { partition } of partitionsOf(image)) {
    if (partition.replicas.includes(brokerId)) count++;
  }
  return count;
}
