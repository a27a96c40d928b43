import { ClusterMember } from "../cluster/member.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import type { BrokerState } from "./broker-state.ts";
import { openClusterEngine } from "./cluster-storage.ts";

export interface ClusterContext {
  readonly env: Env;
  readonly logger: Logger;
  readonly nodeIdGiven: boolean;
  readonly stopping: AbortSignal | undefined;
  /** See StartOptions. */
  readonly onWaiting: ((what: string) => void) | undefined;
}

/** A broker of a cluster. Its metadata is empty until it is registered. */
export async function openInCluster(
  settings: BrokerSettings,
  { env, logger, nodeIdGiven, stopping = new AbortController().signal, onWaiting }: ClusterContext,
): Promise<BrokerState> {
  const context = { env, logger, nodeIdGiven, stopping, onWaiting };
  const { engine, nodeId } = await openClusterEngine(settings, context);
  try {
    const own = { ...settings, nodeId };
    const joining = ClusterMember.join({ ...context, settings: own, engine });
    const member = await unlessAborted(joining, stopping);
    const { metadata, partitions } = member;
    return {
      nodeId,
      engine: engine.logs,
      metadata,
      partitions,
      unclean: false,
      cluster: {
        get facts() {
          return engine.facts;
        },
        get problem() {
          return engine.problem;
        },
        bus: engine.bus,
        states: () => member.replicaStates(),
        followers: member.followers,
        admin: member.controller,
        onIsolated: (listener) => member.onIsolated(listener),
        remove: (brokerId) => member.controller.remove(brokerId),
      },
      leave: () => member.leave(),
      async close() {
        member.stopWaiting();
        await partitions.close();
        await member.close();
        await engine.close();
      },
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
