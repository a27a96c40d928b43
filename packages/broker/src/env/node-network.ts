import type { RequestOptions } from "node:https";
import { createServer } from "node:net";
import type { Network, PostOptions } from "./env.ts";

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
      return { status: response.status, body: await textOf(response.body, maxBytes) };
    });
  },
  async post(url, body, options) {
    const { timeoutMs, maxBytes, signal, headers } = options;
    const late = AbortSignal.timeout(timeoutMs);
    const request = {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    };
    const text = JSON.stringify(body);
    const encrypted = { ...request, ...options.tls, maxBytes };
    if (url.startsWith("https:")) return postEncrypted(url, text, encrypted);
    return withReason(async () => {
      // The body may be a password.
      const response = await fetch(url, { ...request, body: text, redirect: "error" });
      return { status: response.status, body: await textOf(response.body, maxBytes) };
    });
  },
};

async function textOf(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<string> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
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

type Posted = Awaited<ReturnType<Network["post"]>>;

/** `fetch` takes no certificates. */
async function postEncrypted(
  url: string,
  text: string,
  options: RequestOptions & PostOptions["tls"] & Pick<PostOptions, "maxBytes">,
): Promise<Posted> {
  const { request } = await import("node:https");
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const status = response.statusCode ?? 0;
      // The loop ends the connection when it ends early.
      textOf(response, options.maxBytes).then((body) => resolve({ status, body }), reject);
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      if (options.signal?.aborted) return reject(options.signal.reason);
      // OpenSSL's message has several lines; the code says the same.
      reject(error.code?.startsWith("ERR_SSL_") ? new Error(error.code, { cause: error }) : error);
    });
    sent.end(text);
  });
}
