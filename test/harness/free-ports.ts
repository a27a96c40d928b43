import { once } from "node:events";
import { createServer } from "node:net";

// Below what Linux gives to outgoing connections, and what brokers give their nats-servers, so that
// nobody takes a port between the look and the server's start, or while a server is down.
const FIRST = 10_000;
const COUNT = 10_000;

let next = FIRST + Math.floor(Math.random() * COUNT);

/** Ports that nobody listens at, to be kept through restarts. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    next = next + 1 >= FIRST + COUNT ? FIRST : next + 1;
    // Others ask meanwhile.
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
