import { createRequire } from "node:module";

/**
 * Loads codec libraries on first use: a broker without zstd batches needs neither time nor memory
 * for zstd. `require`, because `compress` is synchronous.
 */
export const requireLibrary: NodeJS.Require = createRequire(import.meta.url);

/** Returns a function that loads once; undefined if the library has no binary for this machine. */
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
