// Runs an app with fetch's Request and Response on node:http.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpClient } from "./http-client.ts";
import { readText } from "./request-body.ts";
import { TextResponse } from "./text-response.ts";

export interface NodeBindings {
  readonly incoming: IncomingMessage;
  readonly client: HttpClient;
}

interface Plain {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** The path as it was sent: not decoded, and a # belongs to it. */
export function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split("?", 1)[0]!;
}

export interface FetchApp {
  readonly fetch: (request: Request, bindings: NodeBindings) => Response | Promise<Response>;
}

/** Answers one request. Rejects if the app does. */
export async function answer(
  app: FetchApp,
  bindings: NodeBindings,
  outgoing: ServerResponse,
  headersBeside: () => Readonly<Record<string, string>>,
): Promise<void> {
  const request = new NodeRequest(bindings.incoming) as unknown as Request;
  const { status, headers, body } = await plain(await app.fetch(request, bindings));
  outgoing.writeHead(status, {
    ...headers,
    "content-length": Buffer.byteLength(body),
    ...headersBeside(),
  });
  // For HEAD, node:http sends only the headers.
  outgoing.end(body);
}

async function plain(response: Response | TextResponse): Promise<Plain> {
  if (response instanceof TextResponse) return response;
  const { status, headers } = response;
  const body = Buffer.from(await response.arrayBuffer());
  return { status, headers: Object.fromEntries(headers), body };
}

/**
 * The parts of a Request that Hono reads. Fetch's own class would resolve a group named ".." as a
 * path, refuse some methods, and read a body of any length.
 */
class NodeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, "get">;
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    const { method = "GET", url = "/", headers } = incoming;
    this.#incoming = incoming;
    this.method = method === "HEAD" ? "GET" : method;
    // Only the query of this URL is read, never the host.
    this.url = `http://localhost${url}`;
    this.headers = { get: (name) => headers[name.toLowerCase()]?.toString() ?? null };
  }

  text(): Promise<string> {
    return readText(this.#incoming);
  }
}
