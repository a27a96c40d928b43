import { createRequire } from "node:module";

/**
 * Codec libraries load on first use: a broker that meets no zstd batch pays neither the time nor
 * the memory of zstd. `require` because that use is synchronous.
 */
export const requireLibrary: NodeJS.Require = createRequire(import.meta.url);

/** A function that loads once; undefined when the library has no binary for this machine. */
export function optional<T>(load: () => T): () => T | undefined {
  let loaded: { library: T | undefined } | undefined;
  return () => {
    if (!loaded) {
      try {
        loaded = { library: load() };
      } catch {
        loaded = { library: undefined };
      }
    }
    return loaded.library;
  };
}
