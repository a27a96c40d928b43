// Between brokers an AdminError is sent as a field of the response: rpc knows only its own errors.
import type { Api, Fields, Input, Output } from "@tarpan/protocol";
import type { Rpc } from "../rpc/rpc.ts";
import { AdminError, type AdminErrorKind } from "./admin-error.ts";

interface Refusal {
  readonly kind: string;
  readonly message: string;
  readonly field: string | null;
}

/** The response without its field `refusal`. */
type Done<S extends Fields> = Omit<Input<S>, "refusal">;

/** Serves other brokers with `answer`, which may reject with AdminError. */
export function serveAdmin<Q extends Fields, S extends Fields>(
  rpc: Rpc,
  api: Api<Q, S>,
  nothing: Done<S>,
  answer: (request: Output<Q>) => Promise<Done<S>>,
): void {
  rpc.serve(api, async (request) => {
    try {
      return { ...(await answer(request)), refusal: null } as unknown as Input<S>;
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      const { kind, message, field } = error;
      return { ...nothing, refusal: { kind, message, field } } as unknown as Input<S>;
    }
  });
}

/** Rejects with the AdminError of the other broker, or with RpcError. */
export async function askAdmin<Q extends Fields, S extends Fields>(
  rpc: Rpc,
  api: Api<Q, S>,
  brokerId: number,
  request: Input<Q>,
  timeoutMs: number,
): Promise<Output<S>> {
  const response = await rpc.call(api, brokerId, request, timeoutMs);
  const { refusal } = response as { readonly refusal: Refusal | null };
  if (refusal === null) return response;
  throw new AdminError(kindOf(refusal.kind), refusal.message, { field: refusal.field });
}

const KINDS: ReadonlySet<string> = new Set<AdminErrorKind>([
  ...(["not-found", "invalid", "conflict", "unavailable"] as const),
  ...(["coordinator-not-available", "outcome-unknown"] as const),
]);

/** An unknown kind, from a later release, becomes the kind that promises least. */
function kindOf(kind: string): AdminErrorKind {
  return KINDS.has(kind) ? (kind as AdminErrorKind) : "outcome-unknown";
}
