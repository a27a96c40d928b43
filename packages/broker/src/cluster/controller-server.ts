import { ErrorCode } from "@tarpan/protocol";
import type { Logger } from "../logging/logger.ts";
import { refused } from "../metadata/outcome.ts";
import { isFenced, storageRefusal } from "../metadata/record-with-logs.ts";
import { StateMachineError } from "../state-machine/replayed.ts";
import type { Bus } from "./bus.ts";
import type { ClusterController } from "./cluster-controller.ts";
import { type ControllerAnswer, type ControllerCall, subjectOf } from "./controller-call.ts";

/** What may be called, so that no other property of the controller can be. */
const METHODS: ReadonlySet<string> = new Set<keyof ClusterController>([
  "registerBroker",
  "allocateProducerIds",
  "createTopics",
  "createOffsetsTopic",
  "deleteTopics",
  "createPartitions",
  "alterConfigs",
  "electLeaders",
  "alterReassignments",
  "listReassignments",
  "unregisterBroker",
  "quorum",
  "leave",
  "remove",
  "end",
]);

const NOT_CONTROLLER: ControllerAnswer = { kind: "not-controller" };

export interface ServedController {
  readonly controller: ClusterController;
  /** One past the last committed record of the metadata. */
  readonly endOffset: number;
}

/** Answers the other brokers' calls, for as long as this broker is the controller. */
export function serveController(
  bus: Bus,
  nodeId: number,
  logger: Logger,
  active: () => ServedController | null,
): () => void {
  return bus.serve(subjectOf(nodeId), async (request): Promise<ControllerAnswer> => {
    const { method, args } = request as ControllerCall;
    const served = active();
    if (served === null) return NOT_CONTROLLER;
    try {
      if (!METHODS.has(method)) throw new Error(`the controller has no method ${method}`);
      const call = served.controller[method as "createTopics"] as (...all: unknown[]) => unknown;
      const result = await call.apply(served.controller, [...args]);
      return { kind: "done", result, offset: served.endOffset };
    } catch (error) {
      if (isFenced(error)) return NOT_CONTROLLER;
      if (error instanceof StateMachineError) {
        return { kind: "failed", outcome: storageRefusal(error) };
      }
      logger.error(`the controller's ${method} failed: this is a bug in Tarpan`, { error });
      const outcome = refused(ErrorCode.UNKNOWN_SERVER_ERROR, "see the controller's log");
      return { kind: "failed", outcome };
    }
  });
}
