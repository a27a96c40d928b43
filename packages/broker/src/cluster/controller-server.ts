import { ErrorCode } from "@tarpan/protocol";
import type { Logger } from "../logging/logger.ts";
import { operationNamed } from "../metadata/operation.ts";
import { refused } from "../metadata/outcome.ts";
import { isFenced, storageRefusal } from "../metadata/storage-refusal.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { StateMachineError } from "../state-machine/replayed.ts";
import type { ClusterController } from "./cluster-operations.ts";
import { answerCalls, type ControllerAnswer } from "./controller-call.ts";

const NOT_CONTROLLER: ControllerAnswer = { kind: "not-controller" };

export interface ServedController {
  readonly controller: ClusterController;
  /** One past the last committed record of the metadata. */
  readonly endOffset: number;
}

/** Answers the other brokers' calls, for as long as this broker is the controller. */
export function serveController(
  rpc: Rpc,
  logger: Logger,
  active: () => ServedController | null,
): () => void {
  return answerCalls(rpc, async ({ name, request }) => {
    const served = active();
    if (served === null) return NOT_CONTROLLER;
    try {
      const carryOut = operationNamed(served.controller, name);
      if (carryOut === undefined) throw new Error(`the controller has no operation ${name}`);
      const response = await carryOut(request);
      return { kind: "done", response, offset: served.endOffset };
    } catch (error) {
      if (isFenced(error)) return NOT_CONTROLLER;
      if (error instanceof StateMachineError) {
        return { kind: "failed", outcome: storageRefusal(error) };
      }
      logger.error(`the controller's ${name} failed: this is a bug in Tarpan`, { error });
      const outcome = refused(ErrorCode.UNKNOWN_SERVER_ERROR, "see the controller's log");
      return { kind: "failed", outcome };
    }
  });
}
