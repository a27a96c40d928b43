import { type Decision, StateMachineError } from "../state-machine/replayed.ts";
import type { ClusterAdmin, ListedTopic, Ongoing, Quorum, Reassigned } from "./cluster-admin.ts";
import {
  type AskedPartitions,
  decideElectLeaders,
  type Elections,
} from "./decide-elect-leaders.ts";
import { decideReassign, type ReassignedTopic, type ReassignOptions } from "./decide-reassign.ts";
import { decideUnregisterBroker } from "./decide-unregister-broker.ts";
import type { MetadataImage } from "./image.ts";
import { DONE, type Outcome } from "./outcome.ts";
import { listReassignments } from "./reassignment.ts";
import { storageRefusal } from "./record-with-logs.ts";
import type { MetadataRecord } from "./records.ts";

/** Runs a decision on the image and resolves, once its records are durable, to its reply. */
export type Decide = <Reply>(
  decision: (image: MetadataImage) => Decision<MetadataRecord, Reply>,
) => Promise<Reply>;

/** The admin of whoever may decide: the controller, or a broker that is alone. */
export class DecidingAdmin implements ClusterAdmin {
  readonly #decide: Decide;
  readonly quorum: () => Promise<Quorum>;

  constructor(decide: Decide, quorum: () => Promise<Quorum>) {
    this.#decide = decide;
    this.quorum = quorum;
  }

  electLeaders(type: number, partitions: readonly AskedPartitions[] | null): Promise<Elections> {
    const decided = this.#decide((image) => decideElectLeaders(image, type, partitions));
    return decided.catch((error) => ({ ...notStored(error), topics: [] }));
  }

  alterReassignments(
    topics: readonly ReassignedTopic[],
    options: ReassignOptions,
  ): Promise<Reassigned> {
    const decided = this.#decide((image) => decideReassign(image, topics, options));
    return decided.then(
      (outcomes) => ({ ...DONE, topics: outcomes }),
      (error) => ({ ...notStored(error), topics: [] }),
    );
  }

  listReassignments(topics: readonly ListedTopic[] | null): Promise<Ongoing> {
    const listed = this.#decide((image) => {
      return { records: [], response: listReassignments(image, topics) };
    });
    return listed.then(
      (ongoing) => ({ ...DONE, topics: ongoing }),
      (error) => ({ ...notStored(error), topics: [] }),
    );
  }

  unregisterBroker(brokerId: number): Promise<Outcome> {
    return this.#decide((image) => decideUnregisterBroker(image, brokerId)).catch(notStored);
  }
}

/** A bug stays one. */
function notStored(error: unknown): Outcome {
  if (error instanceof StateMachineError) return storageRefusal(error);
  throw error;
}

/** What a broker needs to answer for itself as the whole cluster. */
export interface LoneBroker {
  readonly nodeId: number;
  readonly image: MetadataImage;
  /** End of the metadata log. */
  readonly endOffset: number;
}

/**
 * The admin of a broker without others. It leads all and holds the only replica of all, so nothing
 * that can be asked of it changes anything: every decision is a refusal, or finds it so already.
 */
export function loneAdmin(broker: LoneBroker, wallMs: () => number): ClusterAdmin {
  const decide: Decide = async (decision) => {
    const { records, response } = decision(broker.image);
    if (records.length > 0) throw new Error("a broker that is alone decided to change the cluster");
    return response;
  };
  const quorum = async (): Promise<Quorum> => {
    const { nodeId: id, endOffset } = broker;
    const now = wallMs();
    const self = { id, logEndOffset: endOffset, lastFetchMs: now, lastCaughtUpMs: now };
    return {
      leaderId: id,
      leaderEpoch: 0,
      highWatermark: endOffset,
      voters: [self],
      observers: [],
    };
  };
  return new DecidingAdmin(decide, quorum);
}
