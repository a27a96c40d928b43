import type { EngineAdmin } from "./admin.ts";
import { EngineError } from "./engine-error.ts";
import { raftIdOf, serverNameOf } from "./names.ts";

/**
 * The outcome of removing a server: `removed`; `unknown` if it was not a member; `runs` if it still
 * runs and was therefore not removed; or `failed` with the reason.
 */
export type ServerRemoval =
  | { readonly kind: "removed" | "unknown" | "runs" }
  | { readonly kind: "failed"; readonly why: string };

/**
 * Removes the server of a broker that is down from the JetStream cluster, and checks that it is
 * gone. A server that runs is not removed: it would become a member again when the meta leader
 * brings it up to date.
 */
export async function removeServerOf(admin: EngineAdmin, brokerId: number): Promise<ServerRemoval> {
  const name = serverNameOf(brokerId);
  const isMember = async () => (await admin.metaPeers()).some(({ id }) => id === raftIdOf(name));
  try {
    if (!(await isMember())) return { kind: "unknown" };
    if (await admin.answers(name)) return { kind: "runs" };
    await admin.removeServer(name);
    if (!(await isMember())) return { kind: "removed" };
    return { kind: "failed", why: `${name} still is a member of the NATS cluster: repeat this` };
  } catch (error) {
    if (error instanceof EngineError) return { kind: "failed", why: error.message };
    throw error;
  }
}
