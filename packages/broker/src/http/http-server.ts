import type {
  createServer,
  IncomingMessage,
  Server,
  ServerOptions,
  ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { HttpConnection, HttpEntrance } from "../server/http-entrance.ts";
import { RefusedRequest } from "../server/refused-request.ts";
import type { OnError } from "../server/shared.ts";
import { HttpClient } from "./http-client.ts";
import {
  HEADER_TIMEOUT_MS,
  MAX_HTTP_CONNECTIONS,
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

interface Open extends Pick<HttpConnection, "refuse"> {
  readonly client: HttpClient;
  inProgress: number;
}

/** An HTTP server that never listens: its sockets come from the broker's own listener. */
export class HttpServer implements HttpEntrance {
  readonly #server: Server;
  readonly #app: FetchApp;
  readonly #onError: OnError;
  /** The oldest one first. */
  readonly #open = new Map<Socket, Open>();
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
    const { refuse } = connection;
    this.#open.set(socket, { client: new HttpClient(connection), refuse, inProgress: 0 });
    socket.once("close", () => this.#open.delete(socket));
    if (this.#open.size > MAX_HTTP_CONNECTIONS) this.#endOldest();
    socket.unshift(firstBytes);
    this.#server.emit("connection", socket);
    socket.resume();
  }

  /** A client that asks for something is done long before a thousand others come. */
  #endOldest(): void {
    const [socket, { refuse }] = this.#open.entries().next().value!;
    const why = `${MAX_HTTP_CONNECTIONS} connections of HTTP are open: the oldest one is closed`;
    refuse(new RefusedRequest("too-many-http-connections", why));
    this.#open.delete(socket);
    socket.destroy();
  }

  close(): void {
    this.#closing = true;
    // Ends idle connections and Node's timeout checks. Its error, "not running", is ignored.
    this.#server.close(() => {});
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const open = this.#open.get(request.socket);
    if (open === undefined) return;
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
