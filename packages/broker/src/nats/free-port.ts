import type { Env } from "../env/env.ts";
import { EngineError } from "./engine-error.ts";
import { CLIENT_PORT_TRIES, CLIENT_PORTS } from "./limits.ts";

/**
 * A port on which no process listens. It is outside the range from which systems take the ports of
 * outgoing connections, so that a restarted server most likely gets it again.
 */
export async function freeClientPort(
  { network, random }: Pick<Env, "network" | "random">,
  host: string,
): Promise<number> {
  const { from, to } = CLIENT_PORTS;
  for (let i = 0; i < CLIENT_PORT_TRIES; i++) {
    const [high, low] = random.bytes(2) as unknown as [number, number];
    const port = from + ((high * 256 + low) % (to - from));
    if ((await network.listenProblem(host, port)) === null) return port;
  }
  throw new EngineError(
    "TARPAN_NATS_SERVER_FAILED",
    `no free port on ${host} from ${from} to ${to} for nats-server: free some`,
  );
}
