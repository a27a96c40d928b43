import type { createServer, IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { HttpEntrance } from "../server/listener.ts";
import type { OnError } from "../server/shared.ts";
import { answerOf } from "./error-answer.ts";
import { HttpError } from "./http-error.ts";
import { isLoopback } from "./loopback.ts";
import { readJson } from "./request-body.ts";
import { type Answer, json, METHODS, type Resource } from "./resource.ts";
import { resourcesOf } from "./routes.ts";

/** An HTTP server that never listens: its sockets come from the broker's own listener. */
export class HttpServer implements HttpEntrance {
  readonly #server: Server;
  readonly #resources: readonly Resource[];
  readonly #onError: OnError;
  #closing = false;

  constructor(create: typeof createServer, view: BrokerAdmin, onError: OnError) {
    this.#resources = resourcesOf(view);
    this.#onError = onError;
    this.#server = create((request, response) => void this.#serve(request, response));
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
      ...answer.headers,
      // A body nobody reads would come before the next request.
      ...(this.#closing || !reading ? { connection: "close" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { url = "/" } = request;
    const question = url.indexOf("?");
    const path = question < 0 ? url : url.slice(0, question);
    const query = new URLSearchParams(question < 0 ? "" : url.slice(question));
    try {
      const found = this.#find(path);
      if (found === null) {
        return json(404, { error: "not found", paths: this.#resources.map(({ path }) => path) });
      }
      const method = METHODS.find((each) => each === asReading(request.method));
      const route = method && found.resource[method];
      if (route === undefined) return notAllowed(found.resource);
      if (method !== "GET") refuseStrangers(request);
      return await route({ query, id: found.id, body: () => readJson(request) });
    } catch (error) {
      const refusal = answerOf(error);
      if (refusal !== null) return refusal;
      this.#onError("an HTTP request failed", { path, error });
      return json(500, { error: "internal error" });
    }
  }

  /** Throws HttpError for a part of the path that can't be decoded. */
  #find(path: string): { resource: Resource; id: string } | null {
    const parts = path.split("/");
    for (const resource of this.#resources) {
      const names = resource.path.split("/");
      const at = names.indexOf(":id");
      const matches = (part: string, index: number) => index === at || part === names[index];
      if (names.length !== parts.length || !parts.every(matches)) continue;
      return { resource, id: at < 0 ? "" : decoded(parts[at]!) };
    }
    return null;
  }
}

function asReading(method: string | undefined): string | undefined {
  return method === "HEAD" ? "GET" : method;
}

function notAllowed(resource: Resource): Answer {
  const methods = METHODS.filter((method) => resource[method] !== undefined);
  const allow = methods.join(", ").replace("GET", "GET, HEAD");
  return json(405, { error: `${resource.path} takes ${allow}` }, { allow });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, "the path is not well encoded");
  }
}

/**
 * Until there is authentication, only who is on this machine may change anything; and no page in a
 * browser there, which any site could have made: browsers send an Origin with these methods.
 */
function refuseStrangers({ socket, headers }: IncomingMessage): void {
  if (!isLoopback(socket.remoteAddress ?? "")) {
    throw new HttpError(403, "changes are limited to loopback until authentication exists");
  }
  if (headers.origin !== undefined) {
    throw new HttpError(403, "web pages can't change anything until authentication exists");
  }
}
