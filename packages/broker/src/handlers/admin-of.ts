import type { ClusterAdmin } from "../metadata/cluster-admin.ts";
import { loneAdmin } from "../metadata/deciding-admin.ts";
import type { Broker } from "./handler.ts";

/** Whom to ask for what the controller decides. */
export function adminOf({ clusterAdmin, metadata, env }: Broker): ClusterAdmin {
  return clusterAdmin ?? loneAdmin(metadata, () => env.clock.wallMs());
}
