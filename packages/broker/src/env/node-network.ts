import { createServer } from "node:net";
import type { Network } from "./env.ts";

export const nodeNetwork: Network = {
  listenProblem(host, port) {
    return new Promise((resolve) => {
      const server = createServer();
      server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
    });
  },
  async get(url, { timeoutMs, maxBytes }, signal) {
    const until = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
    return withReason(async () => {
      const response = await fetch(url, { redirect: "error", signal: until });
      return { status: response.status, body: await textOf(response, maxBytes) };
    });
  },
  async post(url, body, timeoutMs, signal) {
    const late = AbortSignal.timeout(timeoutMs);
    return withReason(async () => {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      });
      return { status: response.status, body: await response.text() };
    });
  },
};

async function textOf(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The message of `fetch` is always "fetch failed"; the reason is in the cause. */
async function withReason<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause === undefined) throw error;
    throw new Error(cause.code ?? cause.message, { cause: error });
  }
}
