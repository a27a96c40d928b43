import type { HeldRuntime } from "../held/held-runtime.ts";

/** What this broker holds and has done, for metrics. The counts begin at its start. */
export interface HeldStatus {
  readonly delayed: HeldKindStatus;
  readonly halfMessages: HeldKindStatus;
}

/** A part of a HeldRuntime, read when it is asked for. */
export type HeldKindStatus = Pick<HeldRuntime, "waitingCount" | "counts">;
