import { ErrorCode } from "@tarpan/protocol";
import type { Logger } from "../logging/logger.ts";
import type { OperationTable, Surface } from "../metadata/operation.ts";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";
import { isFenced, storageRefusal } from "../metadata/storage-refusal.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import { KafkaError } from "../util/kafka-error.ts";

export interface ServedController {
  readonly controller: Surface<OperationTable<never>>;
  /** One past the last committed record of the metadata. */
  readonly endOffset: number;
}

/**
 * Answers the brokers' calls to the controller, with NOT_CONTROLLER while this broker is not it.
 * Returns a function that ends this.
 */
export function serveController(
  rpc: Rpc,
  table: OperationTable<never>,
  logger: Logger,
  active: () => ServedController | null,
): () => void {
  const ends = Object.entries(table).map(([name, { api }]) => {
    return rpc.serve(api, async (request) => {
      const served = active();
      if (served === null) return failed(NOT_CONTROLLER);
      try {
        const response = await served.controller[name]!(request);
        return { ...DONE, metadataEnd: served.endOffset, response };
      } catch (error) {
        return failed(outcomeOf(error, api.name, logger));
      }
    });
  });
  return () => {
    for (const end of ends) end();
  };
}

const NOT_CONTROLLER = refused(ErrorCode.NOT_CONTROLLER);

function failed(outcome: Outcome) {
  return { ...outcome, metadataEnd: -1, response: null };
}

function outcomeOf(error: unknown, name: string, logger: Logger): Outcome {
  if (isFenced(error)) return NOT_CONTROLLER;
  if (error instanceof StateMachineError) return storageRefusal(error);
  if (error instanceof KafkaError) return refused(error.errorCode, error.message);
  logger.error(`the controller's ${name} failed: this is a bug in Tarpan`, { error });
  return refused(ErrorCode.UNKNOWN_SERVER_ERROR, "see the controller's log");
}
