// What the cleaner's thread runs: see CleaningBeside, which is the other side. Calls come one after
// another, each is answered before the next one is taken.
import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { LogError } from "../log-error.ts";
import { BatchCleaner, type Filtered } from "./batch-cleaner.ts";
import type { ThreadAnswer, ThreadCall } from "./thread-messages.ts";

/**
 * Requests go first when there are too few processors. Only Linux has priorities of threads:
 * elsewhere this would be the whole process's.
 */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where the container forbids it, the work goes on as it is.
  }
}

giveWay();

let cleaner: BatchCleaner | null = null;

function answer(call: ThreadCall): unknown {
  switch (call.method) {
    case "begin":
      cleaner = new BatchCleaner(call.run);
      return null;
    case "note":
      return cleaner!.note(call.chunk, call.baseOffset);
    case "filter":
      return cleaner!.filter(call.chunk, call.baseOffset);
    case "finishFile":
      return cleaner!.finishFile();
    case "end":
      cleaner = null;
      return null;
  }
}

parentPort?.on("message", (call: ThreadCall) => {
  const outcome = outcomeOf(call);
  // A buffer that nobody here needs any more is given away rather than copied.
  const isGiven = call.method === "note" || call.method === "filter";
  parentPort!.postMessage(outcome, isGiven ? bufferIn(outcome) : []);
});

function bufferIn(outcome: ThreadAnswer): ArrayBuffer[] {
  const { bytes } = ("result" in outcome ? outcome.result : {}) as Partial<Filtered>;
  return bytes === undefined ? [] : [bytes.buffer as ArrayBuffer];
}

function outcomeOf(call: ThreadCall): ThreadAnswer {
  try {
    return { result: answer(call) };
  } catch (error) {
    const { message } = error as Error;
    return { error: { kind: error instanceof LogError ? error.kind : null, message } };
  }
}
