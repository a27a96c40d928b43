import type { EngineAdmin } from "./admin.ts";
import { EngineError } from "./engine-error.ts";
import { raftIdOf, serverNameOf } from "./names.ts";

/**
 * What came of removing a server: `removed`, `unknown` when there was none, `runs` when it does and
 * is left alone, or why it could not be done now.
 */
export type ServerRemoval =
  | { readonly kind: "removed" | "unknown" | "runs" }
  | { readonly kind: "failed"; readonly why: string };

/**
 * Takes the server of a broker that is down out of the JetStream cluster, and makes sure of it. One
 * that runs must not be: while nats-server brings it up to date, it makes it a member again.
 */
export async function removeServerOf(admin: EngineAdmin, brokerId: number): Promise<ServerRemoval> {
  const name = serverNameOf(brokerId);
  const isMember = async () => (await admin.metaPeers()).some(({ id }) => id === raftIdOf(name));
  try {
    if (!(await isMember())) return { kind: "unknown" };
    if (await admin.answers(name)) return { kind: "runs" };
    await admin.removeServer(name);
    if (!(await isMember())) return { kind: "removed" };
    return { kind: "failed", why: `NATS has not let go of ${name} yet` };
  } catch (error) {
    if (error instanceof EngineError) return { kind: "failed", why: error.message };
    throw error;
  }
}
