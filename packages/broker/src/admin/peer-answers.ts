// Among brokers an AdminError travels as a value: what carries it need not know of it.
import type { PeerMethod, Peers } from "../rpc/peers.ts";
import { AdminError, type AdminErrorKind } from "./admin-error.ts";
import { PEER_CALL_TIMEOUT_MS } from "./limits.ts";

type AdminAnswer =
  | { readonly kind: "done"; readonly result: unknown }
  | {
      readonly kind: "refused";
      readonly why: AdminErrorKind;
      readonly message: string;
      readonly field: string | null;
    };

/** Serves other brokers with methods that may reject with AdminError. */
export function serveAdmin(peers: Peers, methods: Readonly<Record<string, PeerMethod>>): void {
  const answering = Object.entries(methods).map(
    ([name, method]) => [name, answered(method)] as const,
  );
  peers.serve(Object.fromEntries(answering));
}

/** Rejects with the AdminError of the other broker, or as Peers.call does. */
export async function askAdmin<T>(
  peers: Peers,
  brokerId: number,
  method: string,
  args: readonly unknown[],
  timeoutMs = PEER_CALL_TIMEOUT_MS,
): Promise<T> {
  const answer = await peers.call<AdminAnswer>(brokerId, method, args, timeoutMs);
  if (answer.kind === "done") return answer.result as T;
  throw new AdminError(answer.why, answer.message, { field: answer.field });
}

function answered(method: PeerMethod): PeerMethod {
  return async (...args): Promise<AdminAnswer> => {
    try {
      return { kind: "done", result: await method(...args) };
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      const { kind: why, message, field } = error;
      return { kind: "refused", why, message, field };
    }
  };
}
