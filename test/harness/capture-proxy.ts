import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import {
  type AnyApi,
  apiOf,
  DescribeCluster,
  decodeResponse,
  encodeResponse,
  FindCoordinator,
  Metadata,
  Reader,
  readRequestHeader,
} from "@tarpan/protocol";
import { RAW_CLIENT_ID } from "./raw-connection.ts";

const LENGTH_BYTES = 4;

interface Named {
  port: number;
}

/**
 * A proxy between real clients and a broker. It saves the shortest request of each API and version,
 * for test/golden. It replaces the broker's address in responses by its own, so that clients do not
 * bypass it.
 */
export class CaptureProxy {
  readonly #server: Server;
  readonly #brokerPort: () => number;
  readonly #path: string;
  readonly #captured: Map<string, string>;

  /**
   * `path` is a file in the format of `readGolden`. Its frames are replaced only by shorter ones.
   */
  constructor(brokerPort: () => number, path: string) {
    this.#brokerPort = brokerPort;
    this.#path = path;
    this.#captured = readGolden(path);
    this.#server = createServer((client) => this.#join(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  save(): void {
    this.#server.close();
    const lines = [...this.#captured].map(([name, hex]) => `${name} ${hex}`).sort();
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#path, `${lines.join("\n")}\n`);
  }

  #join(client: Socket): void {
    const broker = connect(this.#brokerPort(), "127.0.0.1");
    const asked = new Map<number, { api: AnyApi; version: number }>();
    eachFrame(client, (frame) => {
      const header = readRequestHeader(new Reader(frame), apiOf);
      const api = apiOf(header.apiKey);
      if (api) {
        asked.set(header.correlationId, { api, version: header.apiVersion });
        if (header.clientId !== RAW_CLIENT_ID)
          this.#keep(`${api.name} ${header.apiVersion}`, frame);
      }
      broker.write(framed(frame));
    });
    eachFrame(broker, (frame) => {
      const request = asked.get(frame.readInt32BE(0));
      client.write(request ? this.#renamed(request.api, request.version, frame) : framed(frame));
    });
    for (const [from, to] of [[client, broker] as const, [broker, client] as const]) {
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  }

  #keep(name: string, frame: Buffer): void {
    const hex = frame.toString("hex");
    const kept = this.#captured.get(name);
    if (kept === undefined || hex.length < kept.length) this.#captured.set(name, hex);
  }

  #renamed(api: AnyApi, version: number, frame: Buffer): Buffer {
    if (api !== Metadata && api !== DescribeCluster && api !== FindCoordinator) {
      return framed(frame);
    }
    const { correlationId, body } = decodeResponse(api, version, frame);
    const named = body as { port?: number; brokers?: Named[]; coordinators?: Named[] };
    if ("port" in named) named.port = this.port;
    for (const each of [...(named.brokers ?? []), ...(named.coordinators ?? [])]) {
      each.port = this.port;
    }
    return Buffer.concat(encodeResponse(api, version, correlationId, body));
  }
}

/** The frames in hexadecimal by `Api version`, from a file with lines of `Api version frame`. */
export function readGolden(path: string): Map<string, string> {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [api, version, hex] = line.split(" ") as [string, string, string];
      return [`${api} ${version}`, hex];
    }),
  );
}

function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    while (received.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + received.readInt32BE(0);
      if (received.length < end) break;
      take(received.subarray(LENGTH_BYTES, end));
      received = received.subarray(end);
    }
  });
}

function framed(frame: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}
