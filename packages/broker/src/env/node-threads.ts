import { Worker } from "node:worker_threads";
import type { Threads } from "./env.ts";

/** Threads of Node, which do not keep the process alive. */
export const nodeThreads: Threads = {
  start(module, { onMessage, onEnd }) {
    const worker = new Worker(new URL(module));
    worker.unref();
    worker.on("message", onMessage);
    worker.on("error", (error: Error) => onEnd(error.message));
    worker.on("exit", () => onEnd("it has ended"));
    return {
      post: (message, given) => worker.postMessage(message, [...given]),
      end: () => void worker.terminate(),
    };
  },
};
