import { localForm } from "../../src/metadata/operation.ts";
import { type Controller, type Deciding, operations } from "../../src/metadata/operations.ts";
import type { Quorum } from "../../src/metadata/quorum.ts";
import { StateMachineError } from "../../src/state-machine/replayed-state.ts";
import { cluster, type History } from "../metadata/cluster.ts";
import { metadataBroker, type TestBroker } from "./metadata-broker.ts";
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

/** A broker whose controller decides over `history` and adds its records there. */
export function clusterBroker(history: History, quorum = QUORUM): Promise<TestBroker> {
  const decide: Deciding["decide"] = async (decision) => history.take(decision(history.image));
  return metadataBroker({ brokers: [1, 2], controller: controllerOf(decide, quorum) });
}

/** A broker whose controller can't store its decisions. */
export function brokerWithoutLog(): Promise<TestBroker> {
  const decide: Deciding["decide"] = async () => {
    throw new StateMachineError("TARPAN_STATE_OFFLINE", new Error("no log"));
  };
  return metadataBroker({ controller: controllerOf(decide, QUORUM) });
}

/** The operations of a controller that create no logs. */
function controllerOf(decide: Deciding["decide"], quorum: Quorum): Partial<Controller> {
  const { electLeaders, alterReassignments, listReassignments, unregisterBroker } = operations;
  const table = { electLeaders, alterReassignments, listReassignments, unregisterBroker };
  return { ...localForm(table, { decide }), describeQuorum: async () => quorum };
}

/** Broker 1; broker 2 leads partition 0 of `t`, broker 3, which is down, leads partition 1. */
export function brokerThatDoesNotLead(): Promise<WholeBroker> {
  const history = cluster([2, 3], { t: [[2], [3]] });
  history.change("t", 0, { leader: 2 });
  history.fence(3);
  return WholeBroker.start({}, history.records);
}
