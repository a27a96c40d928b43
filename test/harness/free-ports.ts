import { once } from "node:events";
import { createServer } from "node:net";

// Below the ports that Linux uses for outgoing connections and brokers for their nats-servers, so
// that no process takes a port before its server starts, or while the server is down.
const FIRST = 10_000;
const COUNT = 10_000;

let next = FIRST + Math.floor(Math.random() * COUNT);

/** Ports on which no process listens, to be used through restarts. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    next = next + 1 >= FIRST + COUNT ? FIRST : next + 1;
    // Other callers may get ports at the same time.
    const port = next;
    if (await isFree(port, host)) ports.push(port);
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
