import type { IncomingMessage } from "node:http";
import type { HonoRequest } from "hono";
import { HttpError } from "./http-error.ts";
import { MAX_BODY_BYTES } from "./limits.ts";

/** The request's body as JSON. Rejects with HttpError: 400, 413, 415. */
export async function readJson(req: HonoRequest): Promise<unknown> {
  const [type = ""] = (req.header("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") {
    throw new HttpError(415, "the content-type must be application/json");
  }
  const text = await req.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, "the body is not JSON");
  }
}

/** The request's body. Rejects with HttpError 413. */
export async function readText(incoming: IncomingMessage): Promise<string> {
  const tooLarge = () => new HttpError(413, `a body has at most ${MAX_BODY_BYTES} bytes`);
  if (Number(incoming.headers["content-length"] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop must not destroy the socket: the answer will be written to it.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
