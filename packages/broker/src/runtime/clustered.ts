import type { ClusterAccess } from "../cluster/cluster-access.ts";
import type { ClusterEngine } from "../cluster/cluster-engine.ts";
import { ClusterMember, type MemberParts } from "../cluster/member.ts";
import type { BrokerSettings } from "../config/settings.ts";
import { named } from "../logging/log-levels.ts";
import type { Founding } from "../metadata/founding.ts";
import { allOrNothing } from "../util/close-stack.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import type { BrokerState } from "./broker-state.ts";
import { type ClusterStorageContext, openClusterEngine } from "./cluster-storage.ts";
import { followMetadata } from "./follow-metadata.ts";
import { newPartitions } from "./new-partitions.ts";

/** Opens a broker of a cluster. Its metadata is empty until `start` reads it. */
export function openClustered(
  settings: BrokerSettings,
  context: ClusterStorageContext & { readonly initialAdmin: Founding | null },
): Promise<BrokerState> {
  return allOrNothing(async (opened) => {
    const { env, logger } = context;
    const { engine, nodeId } = await openClusterEngine(settings, context);
    opened.add(() => engine.close());
    const member = await join({
      ...context,
      logger: named(logger, "tarpan.cluster"),
      settings: { ...settings, nodeId },
      engine,
      founding: context.initialAdmin,
    });
    opened.add(() => member.close());
    const { metadata } = member;
    const own = { engine: engine.logs, env, nodeId, metadata: () => metadata };
    const partitions = newPartitions({ ...own, logger: named(logger, "tarpan.partition") });
    opened.add(() => partitions.close());
    opened.add(() => member.stopWaiting());
    followMetadata(metadata, partitions);
    partitions.start();
    member.start();
    return {
      nodeId,
      engine: engine.logs,
      metadata,
      partitions,
      unclean: false,
      cluster: clusterPart(member, engine),
      leave: () => member.leave(),
      close: () => opened.close(),
    };
  });
}

/** Rejects at once if the broker is told to stop, without waiting for the engine. */
async function join(parts: MemberParts): Promise<ClusterMember> {
  const joining = ClusterMember.join(parts);
  try {
    return await unlessAborted(joining, parts.stopping);
  } catch (error) {
    // If it still joins, it is closed at once.
    joining.then((member) => member.close()).catch(() => {});
    throw error;
  }
}

function clusterPart(member: ClusterMember, engine: ClusterEngine): ClusterAccess {
  return {
    get facts() {
      return engine.facts;
    },
    get problem() {
      return engine.problem;
    },
    rpc: member.rpc,
    states: () => member.replicaStates(),
    followers: member.followers,
    onIsolated: (listener) => member.onIsolated(listener),
    remove: (brokerId) => member.controller.removeBroker({ brokerId }),
  };
}
