import { once } from "node:events";
import { createServer } from "node:net";

// Below what Linux gives to outgoing connections, so that none of them takes a port between the look
// and the broker's start, or while a broker is down.
const FIRST = 20_000;
const COUNT = 12_000;

let next = FIRST + Math.floor(Math.random() * COUNT);

/** Ports that nobody listens at, to be kept through restarts. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    next = next + 1 >= FIRST + COUNT ? FIRST : next + 1;
    if (await isFree(next, host)) ports.push(next);
  }
  return ports;
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
