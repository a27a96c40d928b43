import type { File, FileSystem, OpenOptions } from "../../src/env/env.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A disk on which each operation takes a random number of turns, so that others overtake it. */
export function jitteryFiles(fs: FileSystem, random: SeededRandom, longest = 4): FileSystem {
  const wait = async () => {
    for (let i = random.below(longest + 1); i > 0; i--) await new Promise(setImmediate);
  };
  const slow = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const found = Reflect.get(target, name, target);
        if (typeof found !== "function") return found;
        return async (...given: unknown[]) => {
          await wait();
          const result = await found.apply(target, given);
          await wait();
          return name === "open" ? slow(result as File) : result;
        };
      },
    });
  return slow(fs) satisfies { open(path: string, options: OpenOptions): Promise<File> };
}
