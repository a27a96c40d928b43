import type { Observed } from "./observations.ts";
import type { Key, Operation, Transacted } from "./operation.ts";

export interface Transaction extends Transacted {
  /** `seen`: nobody was told how it ended, but a reader had one of its records. */
  readonly outcome: "committed" | "aborted" | "unknown" | "seen";
  /** Indices of the operations. Without an end, that of the begin. */
  readonly invoked: number;
  readonly ended: number;
}

export function isCommitted({ outcome }: Transaction): boolean {
  return outcome === "committed" || outcome === "seen";
}

/** In the order in which their ends were asked for. */
export function transactionsOf(
  operations: readonly Operation[],
  everything: ReadonlyMap<Key, Observed>,
): Transaction[] {
  const isRead = ({ sent }: Transacted) =>
    sent.some(({ key, value }) => everything.get(key)?.byValue.has(value));
  const outcomeOf = (type: Operation["type"], value: Transacted) => {
    if (type === "ok") return "committed";
    if (type === "fail") return "aborted";
    return isRead(value) ? "seen" : "unknown";
  };
  const byProcess = new Map<number, Operation>();
  const found = new Map<number, Transaction>();
  for (const operation of operations) {
    const { f, type, process, index, value } = operation;
    if (f !== "transaction") continue;
    if (type === "invoke") byProcess.set(process, operation);
    const invoked = byProcess.get(process)!.index;
    found.set(invoked, { ...value, outcome: outcomeOf(type, value), invoked, ended: index });
  }
  return [...found.values()];
}
