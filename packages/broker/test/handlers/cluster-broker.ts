import { localForm } from "../../src/metadata/operation.ts";
import { type Deciding, operations } from "../../src/metadata/operations.ts";
import type { Quorum } from "../../src/metadata/quorum.ts";
import { StateMachineError } from "../../src/state-machine/replayed-state.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { cluster, type History } from "../metadata/cluster.ts";
import { WholeBroker } from "./whole-broker.ts";

export const QUORUM: Quorum = {
  leaderId: 2,
  leaderEpoch: 5,
  highWatermark: 40,
  voters: [
    { id: 1, logEndOffset: 39, lastFetchMs: 1_000, lastCaughtUpMs: 900 },
    { id: 2, logEndOffset: 40, lastFetchMs: 1_100, lastCaughtUpMs: 1_100 },
  ],
  observers: [{ id: 3, logEndOffset: 12, lastFetchMs: -1, lastCaughtUpMs: -1 }],
};

/** Broker 1, whose controller decides over `history` and adds its records there. */
export async function clusterBroker(history: History, quorum = QUORUM): Promise<WholeBroker> {
  const broker = await WholeBroker.startWith({ before: cluster([1, 2]).records });
  const decide: Deciding["decide"] = async (decision) => history.take(decision(history.image));
  const { electLeaders, alterReassignments, listReassignments, unregisterBroker } = operations;
  const table = { electLeaders, alterReassignments, listReassignments, unregisterBroker };
  Object.assign(broker.metadata.controller, {
    ...localForm(table, { decide }),
    describeQuorum: async () => quorum,
  });
  return broker;
}

/** A broker whose metadata log has failed: its controller can decide nothing any more. */
export async function brokerWithoutStorage(): Promise<WholeBroker> {
  const files = new MemoryFiles();
  const broker = await WholeBroker.startWith({ files });
  files.fault = (operation, path) => {
    const isLog = path.includes("/__cluster_metadata-0/");
    if (isLog && operation === "write") throw new Error("I/O error");
  };
  const { controller, nodeId } = broker.metadata;
  const refused = await controller.allocateProducerIds({ nodeId }).catch((error) => error);
  if (!(refused instanceof StateMachineError)) throw new Error("the metadata log is written");
  return broker;
}

/** Broker 1; broker 2 leads partition 0 of `t`, broker 3, which is down, leads partition 1. */
export function brokerThatDoesNotLead(): Promise<WholeBroker> {
  const history = cluster([2, 3], { t: [[2], [3]] });
  history.change("t", 0, { leader: 2 });
  history.fence(3);
  return WholeBroker.startWith({ before: history.records });
}
