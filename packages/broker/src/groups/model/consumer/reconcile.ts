import {
  type Assignment,
  addTo,
  epochsOf,
  filtered,
  has,
  intersects,
  NO_PARTITIONS,
  type TopicPartitions,
  union,
} from "./assignment.ts";
import { type ConsumerMember, heldSince, isReconciledTo, MemberState } from "./member.ts";

export interface Reconciliation {
  readonly target: Assignment;
  readonly targetEpoch: number;
  /** The partitions that the member says it owns; null when it does not say. */
  readonly owned: readonly TopicPartitions[] | null;
  readonly isSubscribed: (topicId: string) => boolean;
  readonly ownerOf: (topicId: string, partition: number) => string | undefined;
  readonly subscriptionChanged: boolean;
}

/**
 * One step of a member towards its target assignment (Kafka's CurrentAssignmentBuilder). First the
 * member revokes what is not in its target, and keeps its epoch until it confirms that. Then it
 * moves to the target's epoch and gets the partitions that no other member holds any more. Returns
 * the same member when there is no step.
 */
export function reconcile(member: ConsumerMember, world: Reconciliation): ConsumerMember {
  if (member.state === MemberState.unrevokedPartitions && stillOwns(world, member.revoking)) {
    return world.subscriptionChanged ? dropUnsubscribed(member, world) : member;
  }
  if (!isReconciledTo(member, world.targetEpoch)) return approachTarget(member, world);
  return world.subscriptionChanged ? dropUnsubscribed(member, world) : member;
}

/** A member that does not say what it owns may still own it. */
function stillOwns({ owned }: Reconciliation, revoked: Assignment): boolean {
  return owned === null || intersects(revoked, owned);
}

/** The member at `epoch`: partitions that it had keep their epochs, new ones get `epoch`. */
function at(
  member: ConsumerMember,
  epoch: number,
  changes: Partial<ConsumerMember>,
): ConsumerMember {
  const next = { ...member, ...changes, epoch, previousEpoch: member.epoch };
  const since = epochsOf([...next.assigned, ...next.revoking], (topicId, partition) => {
    const kept = has(member.assigned, topicId, partition) || has(next.revoking, topicId, partition);
    return kept ? heldSince(member, topicId, partition) : epoch;
  });
  return { ...next, since };
}

function dropUnsubscribed(member: ConsumerMember, world: Reconciliation): ConsumerMember {
  const { epoch } = member;
  const assigned = filtered(member.assigned, world.isSubscribed);
  const dropped = filtered(member.assigned, (topicId) => !world.isSubscribed(topicId));
  if (dropped.size === 0) return member;
  const revoking = union(member.revoking, dropped);
  if (!stillOwns(world, revoking)) return at(member, epoch, { assigned });
  return at(member, epoch, { state: MemberState.unrevokedPartitions, assigned, revoking });
}

function approachTarget(member: ConsumerMember, world: Reconciliation): ConsumerMember {
  const target = filtered(world.target, world.isSubscribed);
  const assigned = filtered(member.assigned, (topicId, partition) =>
    has(target, topicId, partition),
  );
  const revoking = filtered(
    member.assigned,
    (topicId, partition) => !has(target, topicId, partition),
  );
  if (revoking.size > 0 && stillOwns(world, revoking)) {
    const state = MemberState.unrevokedPartitions;
    return at(member, member.epoch, { state, assigned, revoking });
  }
  let unreleased = false;
  for (const [topicId, partitions] of target) {
    for (const partition of partitions) {
      if (has(assigned, topicId, partition)) continue;
      // Free, too, when the member itself was the owner and has just revoked it.
      const free =
        world.ownerOf(topicId, partition) === undefined || has(member.revoking, topicId, partition);
      if (free) addTo(assigned, topicId, partition);
      else unreleased = true;
    }
  }
  const state = unreleased ? MemberState.unreleasedPartitions : MemberState.stable;
  return at(member, world.targetEpoch, { state, assigned, revoking: NO_PARTITIONS });
}
