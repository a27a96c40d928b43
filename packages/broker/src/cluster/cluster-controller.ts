import { remoteForm } from "../metadata/operation.ts";
import { type ClusterController, clusterOperations } from "./cluster-operations.ts";
import type { ControllerCaller } from "./controller-caller.ts";
import { type RegistrationParts, registerUntilAccepted } from "./register-broker.ts";

/** The controller's operations, for every broker of a cluster, on whichever broker it runs. */
export function clusterController(
  caller: ControllerCaller,
  parts: RegistrationParts,
): ClusterController {
  const remote = remoteForm(clusterOperations, caller.call.bind(caller));
  return {
    ...remote,
    registerBroker: (registration) => registerUntilAccepted(registration, remote, parts),
  };
}
