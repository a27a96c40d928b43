import { performance } from "node:perf_hooks";
import { counter, type Family } from "./family.ts";

/** What prom-client does not tell of the process. */
export function processFamilies(): Family[] {
  return [
    counter(
      "tarpan_event_loop_active_seconds_total",
      "Time in which the event loop of this process was not waiting for events",
      () => performance.eventLoopUtilization().active / 1000,
    ),
  ];
}
