// zstd from @bokuweb/zstd-wasm in a thread of its own: WebAssembly can't use the thread pool that
// the native codecs compress in.
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { requireLibrary } from "./native.ts";

/**
 * The thread's program, as text: no file of its own has to be found, in sources and in a bundle.
 * The calls are those of zstd-wasm.ts.
 */
const PROGRAM = `
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { parentPort, workerData: folder } = require("node:worker_threads");
const { Module } = require(join(folder, "zstd.js"));
const code = new WebAssembly.Module(readFileSync(join(folder, "zstd.wasm")));
Module.instantiateWasm = (imports, receive) => receive(new WebAssembly.Instance(code, imports));
Module.init();
function compress(bytes, level) {
  const capacity = Module._ZSTD_compressBound(bytes.length);
  const from = Module._malloc(Math.max(1, bytes.length));
  const to = Module._malloc(Math.max(1, capacity));
  try {
    if (from === 0 || to === 0) throw new Error("out of memory");
    Module.HEAPU8.set(bytes, from);
    const result = Module._ZSTD_compress(to, capacity, from, bytes.length, level);
    if (Module._ZSTD_isError(result)) throw new Error("error " + -result);
    return Module.HEAPU8.slice(to, to + result);
  } finally {
    Module._free(to);
    Module._free(from);
  }
}
parentPort.on("message", ({ id, bytes, level }) => {
  try {
    const output = compress(bytes, level);
    parentPort.postMessage({ id, output }, [output.buffer]);
  } catch (error) {
    parentPort.postMessage({ id, problem: error.message });
  }
});
`;

interface Answer {
  readonly id: number;
  readonly output?: Uint8Array;
  readonly problem?: string;
}

interface Waiting {
  resolve(output: Uint8Array): void;
  reject(error: Error): void;
}

let current: Worker | null = null;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/** Compresses without blocking the event loop. The thread does not keep the process alive. */
export function compressInWorker(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  current ??= start();
  const worker = current;
  const id = ++lastId;
  const answered = new Promise<Uint8Array>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
  });
  worker.postMessage({ id, bytes, level });
  return answered;
}

function start(): Worker {
  const folder = dirname(requireLibrary.resolve("@bokuweb/zstd-wasm"));
  const worker = new Worker(PROGRAM, { eval: true, workerData: folder });
  worker.unref();
  worker.on("message", ({ id, output, problem }: Answer) => {
    const call = waiting.get(id)!;
    waiting.delete(id);
    if (output !== undefined) call.resolve(output);
    else call.reject(new Error(`zstd can't compress: ${problem}`));
  });
  worker.on("error", (error) => failAll(error));
  worker.on("exit", () => failAll(new Error("the zstd thread has ended")));
  return worker;
}

/** The next call starts another thread. */
function failAll(error: Error): void {
  current = null;
  for (const { reject } of waiting.values()) reject(error);
  waiting.clear();
}
