// zstd from @bokuweb/zstd-wasm, for Node before 22.15. The package's own functions load
// asynchronously and allocate what the frame claims. So this file uses the WebAssembly module
// directly, with a limited output. For that reason the package's version is pinned.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DecompressionError, DecompressionLimitError } from "./errors.ts";
import { requireLibrary } from "./native.ts";
import type { Zstd } from "./zstd-contract.ts";
import { compressInWorker } from "./zstd-worker.ts";

/** Declared here, because only TypeScript's DOM library has these types. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => object;
};

const LEVEL = 3;
/** ZSTD_error_dstSize_tooSmall of zstd_errors.h, negated as all returned errors are. */
const OUTPUT_TOO_SMALL = -70;

/** The package's Emscripten module; its exports have the names of zstd.h. */
interface ZstdModule {
  HEAPU8: Uint8Array;
  instantiateWasm?(imports: object, receive: (instance: object) => unknown): unknown;
  init(): void;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _ZSTD_isError(result: number): number;
  _ZSTD_compressBound(bytes: number): number;
  _ZSTD_compress(to: number, capacity: number, from: number, size: number, level: number): number;
  _ZSTD_decompress(to: number, capacity: number, from: number, size: number): number;
}

/** Throws if the package is not installed, or in a version other than the pinned one. */
export function openZstdWasm(): Zstd {
  const module = load();
  return {
    compress(bytes) {
      const capacity = module._ZSTD_compressBound(bytes.length);
      const run = (to: number, from: number) =>
        module._ZSTD_compress(to, capacity, from, bytes.length, LEVEL);
      return call(module, bytes, capacity, run);
    },
    compressLater: compressInWorker,
    decompressFrame(frame, capacity) {
      const run = (to: number, from: number) =>
        module._ZSTD_decompress(to, capacity, from, frame.length);
      return call(module, frame, capacity, run);
    },
  };
}

function load(): ZstdModule {
  const folder = dirname(requireLibrary.resolve("@bokuweb/zstd-wasm"));
  const { Module } = requireLibrary(join(folder, "zstd.js")) as { Module: ZstdModule };
  const code = new WebAssembly.Module(readFileSync(join(folder, "zstd.wasm")));
  Module.instantiateWasm = (imports, receive) => receive(new WebAssembly.Instance(code, imports));
  Module.init();
  return Module;
}

/** Copies `bytes` into the module, runs, copies the result out, and frees both areas. */
function call(
  module: ZstdModule,
  bytes: Uint8Array,
  capacity: number,
  run: (to: number, from: number) => number,
): Uint8Array {
  const from = module._malloc(Math.max(1, bytes.length));
  const to = module._malloc(Math.max(1, capacity));
  try {
    if (from === 0 || to === 0) throw new DecompressionLimitError("zstd", capacity);
    module.HEAPU8.set(bytes, from);
    const result = run(to, from);
    if (result === OUTPUT_TOO_SMALL) throw new DecompressionLimitError("zstd", capacity);
    if (module._ZSTD_isError(result)) throw new DecompressionError("zstd", `error ${-result}`);
    return module.HEAPU8.slice(to, to + result);
  } finally {
    module._free(to);
    module._free(from);
  }
}
