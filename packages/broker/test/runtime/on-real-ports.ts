import { readBrokerOptions } from "../../src/config/broker-options.ts";
import type { Env } from "../../src/env/env.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import type { Logger } from "../../src/logging/logger.ts";
import type { RunningBroker } from "../../src/runtime/broker-server.ts";
import { type StartOptions, startBroker } from "../../src/runtime/start-broker.ts";
import { type Listener, TcpListener } from "../../src/server/listener.ts";

interface OnRealPorts extends AsyncDisposable {
  readonly broker: RunningBroker;
  readonly listener: Listener;
  /** What was logged: `level message`. */
  readonly log: readonly string[];
  port(index: number): number;
}

/** A broker in memory with these configs of Kafka, on free ports. */
export async function startOnRealPorts(
  configs: Record<string, string>,
  {
    clock = nodeEnv.clock,
    timers = nodeEnv.timers,
    ...more
  }: Partial<Pick<Env, "clock" | "timers">> & Pick<StartOptions, "audit"> = {},
): Promise<OnRealPorts> {
  const log: string[] = [];
  const write = (level: string) => (message: string) => void log.push(`${level} ${message}`);
  const logger = Object.fromEntries(["debug", "info", "warn", "error"].map((l) => [l, write(l)]));
  const options = readBrokerOptions({ configs, logger: logger as unknown as Logger });
  let listener!: Listener;
  const broker = await startBroker(options.settings, {
    ...{ ...options, ...more },
    env: { ...nodeEnv, clock, timers },
    newListener: (options) => {
      listener = new TcpListener(options);
      return listener;
    },
  });
  return {
    ...{ broker, listener, log },
    port: (index) => listener.ports[index]!,
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}
