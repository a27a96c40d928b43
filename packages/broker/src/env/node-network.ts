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
  async post(url, body, timeoutMs, signal) {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      // The message is always "fetch failed"; the reason is in the cause.
      const { cause } = error as { cause?: NodeJS.ErrnoException };
      if (cause === undefined) throw error;
      throw new Error(cause.code ?? cause.message, { cause: error });
    }
  },
};
