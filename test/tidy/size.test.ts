import { describe, expect, it } from "vitest";
import { lines, sources, textOf } from "./repository.ts";
import { syntaxOf } from "./syntax.ts";

describe("size", () => {
  const WIDTH = 100;
  /** A longer limit for lines with strings: a message that is not split can be searched for. */
  const WIDTH_OF_TEXTS = 120;
  const FILE_LINES = 400;
  const FUNCTION_LINES = 70;
  /** Files that may be longer, and why. */
  const LONG_FILES: Readonly<Record<string, string>> = {};
  const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
    "packages/protocol/src/records/walk.ts:walkRecords":
      "the one loop over every record: a call per field would halve its speed",
    "packages/protocol/src/interpret.ts:interpret":
      "the definition of the wire format: its parts read the same version and mode",
  };

  it(`keeps lines within ${WIDTH} columns`, () => {
    const isText = (line: string) => /["'`]/.test(line) && !/^\s*(\/\/|\/?\*)/.test(line);
    const limit = (line: string) => (isText(line) ? WIDTH_OF_TEXTS : WIDTH);
    expect(lines(sources, (line) => line.length > limit(line))).toEqual([]);
  });

  it(`keeps files within ${FILE_LINES} lines`, () => {
    const long = sources.filter((path) => textOf.get(path)!.split("\n").length > FILE_LINES);
    expect(long.filter((path) => !(path in LONG_FILES))).toEqual([]);
  });

  it(`keeps functions within ${FUNCTION_LINES} lines`, () => {
    const long = sources
      .filter((path) => path.includes("/src/") || path.startsWith("scripts/"))
      .flatMap((path) =>
        syntaxOf(textOf.get(path)!)
          .functions.filter((one) => one.lines > FUNCTION_LINES)
          .map((one) => ({ name: `${path}:${one.name}`, lines: one.lines })),
      );
    expect(long.filter(({ name }) => !(name in LONG_FUNCTIONS))).toEqual([]);
    // Exceptions that are not needed any more must be removed.
    expect(long.map(({ name }) => name).sort()).toEqual(Object.keys(LONG_FUNCTIONS).sort());
  });

  it("measures every function, however it is written", () => {
    const measured = syntaxOf(`
      export async function one(): Promise<Map<string, number>> {
        return new Map();
      }
      const two = <T>(value: T): Array<T> => [
        value,
      ];
      class C {
        #three(): Promise<void> {}
        get four(): Set<number> {
          return new Set();
        }
      }
      const parts = { five(): void {}, six: () => 6 };
    `).functions;
    expect(measured).toEqual([
      { name: "one", lines: 3 },
      { name: "two", lines: 3 },
      { name: "three", lines: 1 },
      { name: "four", lines: 3 },
      { name: "five", lines: 1 },
      { name: "six", lines: 1 },
    ]);
  });
});
