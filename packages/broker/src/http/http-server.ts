import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HttpEntrance } from "../server/listener.ts";
import type { OnError } from "../server/shared.ts";
import type { BrokerView } from "./broker-view.ts";
import { type Answer, json, type Route, routesOf } from "./routes.ts";

const METHODS = "GET, HEAD";

/** An HTTP server that never listens: its sockets come from the broker's own listener. */
export class HttpServer implements HttpEntrance {
  readonly #server: Server;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #onError: OnError;
  #closing = false;

  constructor(view: BrokerView, onError: OnError) {
    this.#routes = routesOf(view);
    this.#onError = onError;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // Node looks for requests that take too long only in servers that listen.
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
    // Ends idle connections and the timer above; it says that it was not listening.
    this.#server.close(() => {});
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request);
    const body = Buffer.from(answer.body);
    const reading = request.method === "GET" || request.method === "HEAD";
    response.writeHead(answer.status, {
      "content-type": answer.contentType,
      "content-length": body.length,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(answer.status === 405 ? { allow: METHODS } : {}),
      // A body nobody reads would come before the next request.
      ...(this.#closing || !reading ? { connection: "close" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer({ method, url = "/" }: IncomingMessage): Promise<Answer> {
    const question = url.indexOf("?");
    const path = question < 0 ? url : url.slice(0, question);
    const route = this.#routes.get(path);
    if (route === undefined) {
      return json(404, { error: "not found", paths: [...this.#routes.keys()] });
    }
    if (method !== "GET" && method !== "HEAD") {
      return json(405, { error: `${path} takes ${METHODS}` });
    }
    try {
      return await route(new URLSearchParams(question < 0 ? "" : url.slice(question)));
    } catch (error) {
      this.#onError("an HTTP request failed", { path, error });
      return json(500, { error: "internal error" });
    }
  }
}
