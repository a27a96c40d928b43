import type { NatsConnection } from "@nats-io/transport-node";
import type { Env } from "../env/env.ts";
import { pause } from "../util/pause.ts";
import { HEALTH_INTERVAL_MS } from "./limits.ts";
import { requestJson } from "./request-json.ts";

/** How many requests in a row must fail to be a problem: an election may take up to 9 s. */
const PROBLEM_AFTER_FAILURES = 2;

export interface HealthOptions {
  readonly nc: NatsConnection;
  readonly env: Pick<Env, "timers">;
  readonly signal: AbortSignal;
  /** Called when the problem changes; null when there is none any more. */
  readonly onProblem: (problem: string | null) => void;
  /** Called before every request. */
  readonly onLook?: () => Promise<void>;
}

/**
 * Watches the connection, and sends JetStream a request every few seconds, because a server that
 * hangs, or whose cluster has no leader, stays connected. Resolves once aborted.
 */
export async function watchHealth(options: HealthOptions): Promise<void> {
  const { nc, env, signal, onProblem, onLook } = options;
  let problem: string | null = null;
  const report = (next: string | null) => {
    if (next === problem || signal.aborted) return;
    problem = next;
    onProblem(next);
  };
  void watchConnection(nc, report);
  let failures = 0;
  while (!signal.aborted) {
    try {
      await pause(env.timers, HEALTH_INTERVAL_MS, signal);
      await onLook?.();
      await requestJson(nc, "$JS.API.INFO", {}, HEALTH_INTERVAL_MS);
      failures = 0;
      report(null);
    } catch (error) {
      if (signal.aborted) break;
      failures += 1;
      if (failures >= PROBLEM_AFTER_FAILURES) report((error as Error).message);
    }
  }
}

async function watchConnection(nc: NatsConnection, report: (problem: string | null) => void) {
  for await (const status of nc.status()) {
    if (status.type === "disconnect")
      report(`the connection to NATS at ${status.server} is lost: reconnecting`);
    if (status.type === "reconnect") report(null);
    // The client does not reconnect after that.
    if (status.type === "close") report("the connection to NATS is closed: restart the broker");
  }
}
