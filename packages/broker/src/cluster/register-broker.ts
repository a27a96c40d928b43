import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { BrokerRegistration } from "../metadata/decide-broker.ts";
import type { Outcome } from "../metadata/outcome.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { pause } from "../util/pause.ts";
import { ClusterError } from "./cluster-error.ts";
import type { ClusterController } from "./cluster-operations.ts";
import { CONTROLLER_RETRY_MS } from "./limits.ts";
import type { MemberFile } from "./member-file.ts";

export interface RegistrationParts {
  readonly env: Pick<Env, "timers">;
  /** Aborts when the broker is told to stop before it is registered. */
  readonly stopping: AbortSignal;
  /** The membership file in this broker's data directory. */
  readonly file: MemberFile;
}

/**
 * Registers the broker, and retries until a controller answers: a broker that is not registered
 * can't serve. Rejects with ClusterError if the broker was removed from the cluster, or can't read
 * its metadata.
 */
export async function registerUntilAccepted(
  registration: BrokerRegistration,
  controller: Pick<ClusterController, "registerBroker">,
  { env, stopping, file }: RegistrationParts,
): Promise<Outcome> {
  const returning = (await file.read()) !== null;
  for (;;) {
    stopping.throwIfAborted();
    try {
      const outcome = await controller.registerBroker({
        endPoints: null,
        ...registration,
        returning,
      });
      const { errorCode, errorMessage } = outcome;
      if (errorCode === ErrorCode.UNSUPPORTED_VERSION) {
        throw new ClusterError("TARPAN_METADATA_TOO_NEW", errorMessage!);
      }
      const isRemoved = errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED;
      await file.write(isRemoved ? "removed" : "registered");
      if (isRemoved) throw file.removedError(registration.id);
      return outcome;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      await pause(env.timers, CONTROLLER_RETRY_MS);
    }
  }
}
