import type {
  createServer,
  IncomingMessage,
  Server,
  ServerOptions,
  ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { HttpConnection, HttpEntrance } from "../server/http-entrance.ts";
import type { OnError } from "../server/shared.ts";
import { HttpClient } from "./http-client.ts";
import {
  HEADER_TIMEOUT_MS,
  MAX_PIPELINED,
  REQUEST_TIMEOUT_MS,
  TIMEOUT_CHECK_INTERVAL_MS,
} from "./limits.ts";
import { answer, type FetchApp } from "./node-listener.ts";
import { SECURITY_HEADERS, TLS_HEADERS } from "./security-headers.ts";

const OPTIONS: ServerOptions = {
  headersTimeout: HEADER_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
  // Whatever NODE_OPTIONS says: proxies must not find other requests in the bytes than this broker.
  insecureHTTPParser: false,
};

interface Open {
  readonly client: HttpClient;
  inProgress: number;
}

/** An HTTP server that never listens: its sockets come from the broker's own listener. */
export class HttpServer implements HttpEntrance {
  readonly #server: Server;
  readonly #app: FetchApp;
  readonly #onError: OnError;
  readonly #open = new WeakMap<Socket, Open>();
  #closing = false;

  constructor(create: typeof createServer, app: FetchApp, onError: OnError) {
    this.#app = app;
    this.#onError = onError;
    this.#server = create(OPTIONS, (request, response) => void this.#serve(request, response));
    // Node checks request timeouts only in servers that listen, so this one claims to.
    this.#server.emit("listening");
  }

  accept(connection: HttpConnection, firstBytes: Uint8Array): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    this.#open.set(socket, { client: new HttpClient(connection), inProgress: 0 });
    socket.unshift(firstBytes);
    this.#server.emit("connection", socket);
    socket.resume();
  }

  close(): void {
    this.#closing = true;
    // Ends idle connections and Node's timeout checks. Its error, "not running", is ignored.
    this.#server.close(() => {});
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const open = this.#open.get(request.socket)!;
    if (open.inProgress >= MAX_PIPELINED) {
      request.socket.destroy();
      return;
    }
    open.inProgress++;
    response.once("close", () => open.inProgress--);
    const { client } = open;
    const reading = request.method === "GET" || request.method === "HEAD";
    try {
      await answer(this.#app, { incoming: request, client }, response, () => ({
        ...SECURITY_HEADERS,
        ...(client.hasTls ? TLS_HEADERS : {}),
        // Otherwise Node would read an unread body as the next request.
        ...(this.#closing || !reading ? { connection: "close" } : {}),
      }));
    } catch (error) {
      this.#onError("an HTTP request failed", { path: request.url, error });
      response.destroy();
    }
  }
}
