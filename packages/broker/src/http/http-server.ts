import type { createServer, IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HttpEntrance } from "../server/listener.ts";
import type { OnError } from "../server/shared.ts";
import { answer, type FetchApp } from "./node-listener.ts";

/** An HTTP server that never listens: its sockets come from the broker's own listener. */
export class HttpServer implements HttpEntrance {
  readonly #server: Server;
  readonly #app: FetchApp;
  readonly #onError: OnError;
  #closing = false;

  constructor(create: typeof createServer, app: FetchApp, onError: OnError) {
    this.#app = app;
    this.#onError = onError;
    this.#server = create((request, response) => void this.#serve(request, response));
    // Node checks request timeouts only in servers that listen, so this one claims to.
    this.#server.emit("listening");
  }

  accept(socket: Socket, firstBytes: Uint8Array): void {
    if (socket.destroyed) return;
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
    const reading = request.method === "GET" || request.method === "HEAD";
    try {
      await answer(this.#app, request, response, () => ({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        // Otherwise Node would read an unread body as the next request.
        ...(this.#closing || !reading ? { connection: "close" } : {}),
      }));
    } catch (error) {
      this.#onError("an HTTP request failed", { path: request.url, error });
      response.destroy();
    }
  }
}
