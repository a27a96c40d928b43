import type { NatsConnection } from "@nats-io/transport-node";
import type { Env } from "../env/env.ts";
import { pause } from "../util/pause.ts";
import { HEALTH_INTERVAL_MS } from "./limits.ts";
import { requestJson } from "./request-json.ts";

/** Failed questions in a row that make a problem: an election is silent for up to 9 s. */
const PATIENCE = 2;

export interface HealthOptions {
  readonly nc: NatsConnection;
  readonly env: Pick<Env, "timers">;
  readonly signal: AbortSignal;
  /** Told when it changes; null: in order again. */
  readonly onProblem: (problem: string | null) => void;
  /** Runs at every look. */
  readonly onLook?: () => Promise<void>;
}

/**
 * Watches the connection, and asks JetStream every few seconds: a server that hangs, or has no
 * leader, is connected all the same. Resolves once aborted.
 */
export async function watchHealth(options: HealthOptions): Promise<void> {
  const { nc, env, signal, onProblem, onLook } = options;
  let problem: string | null = null;
  const say = (next: string | null) => {
    if (next === problem || signal.aborted) return;
    problem = next;
    onProblem(next);
  };
  void watchConnection(nc, say);
  let failures = 0;
  while (!signal.aborted) {
    try {
      await pause(env.timers, HEALTH_INTERVAL_MS, signal);
      await onLook?.();
      await requestJson(nc, "$JS.API.INFO", {}, HEALTH_INTERVAL_MS);
      failures = 0;
      say(null);
    } catch (error) {
      if (signal.aborted) break;
      failures += 1;
      if (failures >= PATIENCE) say((error as Error).message);
    }
  }
}

async function watchConnection(nc: NatsConnection, say: (problem: string | null) => void) {
  for await (const status of nc.status()) {
    if (status.type === "disconnect") say(`the connection to NATS at ${status.server} is lost`);
    if (status.type === "reconnect") say(null);
    // Nothing brings such a connection back.
    if (status.type === "close") say("the connection to NATS is closed");
  }
}
