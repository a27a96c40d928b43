import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/**
 * The house rules that a program can check. A list of offenders is compared with the empty list,
 * so a failure names every place.
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const listed = execFileSync(
  "git",
  ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  {
    cwd: root,
    encoding: "utf8",
  },
);
const paths = listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
const textOf = new Map(
  paths
    .filter((path) => /\.(ts|mjs|js|json|md|py|go|java|yaml|yml|xml)$|\.ci\/run$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), "utf8")] as const),
);
const sources = [...textOf.keys()].filter((path) => /\.(ts|mjs)$/.test(path));
const brokerSources = sources.filter((path) => path.startsWith("packages/broker/src/"));

/** `path:line` of every line that `wrong` picks out. */
function lines(among: readonly string[], wrong: (line: string, path: string) => boolean): string[] {
  return among.flatMap((path) =>
    textOf
      .get(path)!
      .split("\n")
      .flatMap((line, index) => (wrong(line, path) ? [`${path}:${index + 1}`] : [])),
  );
}

describe("size", () => {
  const WIDTH = 120;
  const FILE_LINES = 400;
  const FUNCTION_LINES = 70;
  /** Longer, and why that is right. */
  const LONG_FILES: Readonly<Record<string, string>> = {};
  const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
    "packages/protocol/src/records/walk.ts:walkRecords":
      "the one loop over every record: a call per field would halve its speed",
    "packages/protocol/src/interpret.ts:interpret":
      "the definition of the wire format: its parts read the same version and mode",
  };

  it(`keeps lines within ${WIDTH} columns`, () => {
    expect(lines(sources, (line) => line.length > WIDTH)).toEqual([]);
  });

  it(`keeps files within ${FILE_LINES} lines`, () => {
    const long = sources.filter((path) => textOf.get(path)!.split("\n").length > FILE_LINES);
    expect(long.filter((path) => !(path in LONG_FILES))).toEqual([]);
  });

  it(`keeps functions within ${FUNCTION_LINES} lines`, () => {
    const long = sources
      .filter((path) => path.includes("/src/") || path.startsWith("scripts/"))
      .flatMap((path) =>
        functionsOf(textOf.get(path)!)
          .filter(({ length }) => length > FUNCTION_LINES)
          .map(({ name, length }) => ({ name: `${path}:${name}`, length })),
      );
    expect(long.filter(({ name }) => !(name in LONG_FUNCTIONS))).toEqual([]);
    // An exception that is no longer one goes.
    expect(long.map(({ name }) => name).sort()).toEqual(Object.keys(LONG_FUNCTIONS).sort());
  });

  /** Rough: the formatter ends a function with a brace at the indentation that it began with. */
  function functionsOf(text: string): { name: string; length: number }[] {
    const all = text.split("\n");
    return all.flatMap((line, start) => {
      const begun = /^(\s*)(?:export )?(?:async )?(?:function\*? )?([#\w]+)[<(]/.exec(line);
      if (!begun || /^\s*(if|for|while|switch)\b/.test(line)) return [];
      const [, indent, name] = begun as unknown as [string, string, string];
      const next = (from: number) =>
        all.findIndex(
          (other, at) => at > from && /^\s*[})]/.test(other) && indentOf(other) === indent,
        );
      // Parameters on lines of their own come first; a call ends where they do.
      const head = line.endsWith("(") ? next(start) : start;
      if (head < 0 || !/[^(>] \{$/.test(all[head]!)) return [];
      return [{ name, length: next(head) - start + 1 }];
    });
  }

  const indentOf = (line: string) => /^\s*/.exec(line)![0];
});

describe("imports", () => {
  const imports = sources
    .filter((path) => /^packages\/\w+\/src\//.test(path))
    .flatMap((path) =>
      [...textOf.get(path)!.matchAll(/^(?:import|export)\s[^;]*?from\s+"([^"]+)"/gm)].map(
        (match) => ({
          path,
          specifier: match[1]!,
          // A type costs nothing at run time, but an arrow is an arrow: only the console may.
          typeOnly: match[0].startsWith("import type"),
        }),
      ),
    );

  const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
    protocol: [],
    codecs: ["@tarpan/protocol"],
    broker: ["@tarpan/protocol", "@tarpan/codecs"],
    client: ["@tarpan/protocol", "@tarpan/codecs"],
    cli: ["@tarpan/client", "@tarpan/broker"],
    console: [],
  };

  it("follow the arrows between packages", () => {
    const wrong = imports.filter(({ path, specifier, typeOnly }) => {
      const own = path.split("/")[1]!;
      if (specifier.startsWith("."))
        return !join(dirname(path), specifier).startsWith(`packages/${own}/`);
      if (!specifier.startsWith("@tarpan/") && specifier !== "tarpan") return false;
      if (own === "console" && typeOnly && specifier === "@tarpan/broker") return false;
      return !MAY_IMPORT[own]!.includes(specifier);
    });
    expect(wrong).toEqual([]);
  });

  it("leave the protocol without any dependency", () => {
    const own = "packages/protocol/src/";
    const wrong = imports.filter(
      ({ path, specifier }) => path.startsWith(own) && !specifier.startsWith("."),
    );
    expect(wrong).toEqual([]);
  });

  const target = (path: string, specifier: string) =>
    relative("packages/broker/src", relative(root, resolve(root, dirname(path), specifier)));
  const within = imports
    .filter(
      ({ path, specifier }) => path.startsWith("packages/broker/src/") && specifier.startsWith("."),
    )
    .map(({ path, specifier }) => ({
      from: relative("packages/broker/src", path),
      to: target(path, specifier),
    }));
  const folder = (path: string) => path.split("/")[0]!;

  it("name a log engine only in the composition root", () => {
    const wrong = within.filter(({ from, to }) => {
      const engine = /^log\/(memory|segment|jetstream)\b/.exec(to);
      return (
        engine !== null &&
        !from.startsWith("log/") &&
        !/^(index|runtime\/(storage|cluster-storage))\.ts$/.test(from)
      );
    });
    expect(wrong).toEqual([]);
  });

  it("go from the network inwards, never back", () => {
    /** Who is nearer to the network than whom: none may import what stands before it. */
    const CONTRACTS = ["server/router.ts", "server/refused-request.ts", "handlers/handler.ts"];
    const inwards = ["server", "handlers", "fetch", "partition", "log"];
    const wrong = within.filter(({ from, to }) => {
      const [outer, inner] = [inwards.indexOf(folder(to)), inwards.indexOf(folder(from))];
      return outer >= 0 && inner >= 0 && outer < inner && !CONTRACTS.includes(to);
    });
    expect(wrong).toEqual([]);
  });
});

describe("the outside world", () => {
  /** Where each thing of it may be touched; everything else is handed an Env. */
  const DOORS: readonly [banned: RegExp, instead: string, allowed: RegExp][] = [
    [/\bDate\.now\(|new Date\(\)/, "env.clock.wallMs()", /^(env|logging)\//],
    [/\bperformance\.now\(|process\.hrtime/, "env.clock.monotonicMs()", /^env\//],
    [/\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/, "env.random", /^env\//],
    [/\bset(Timeout|Interval)\(/, "env.timers", /^env\//],
    [/from "(node:)?(fs|fs\/promises|child_process)"/, "env.fs", /^(env|config|logging)\//],
    [/from "(node:)?(net|http|tls)"/, "the listener", /^(env|server|http)\//],
    [/(?<![.\w])fetch\(/, "env.network", /^env\//],
  ];

  for (const [banned, instead, allowed] of DOORS) {
    it(`is reached through ${instead}, not ${banned.source}`, () => {
      const wrong = lines(brokerSources, (line, path) => {
        if (allowed.test(relative("packages/broker/src", path))) return false;
        return banned.test(line) && !/^\s*(\/\/|\*)/.test(line);
      });
      expect(wrong).toEqual([]);
    });
  }

  it("is not needed by the protocol", () => {
    const own = sources.filter((path) => path.startsWith("packages/protocol/src/"));
    const banned = /\bBuffer\b|\bprocess\.|\bset(Timeout|Interval)\(|\bDate\.now\(/;
    expect(lines(own, (line) => banned.test(line) && !/^\s*(\/\/|\/?\*)/.test(line))).toEqual([]);
  });
});

describe("one API, one name", () => {
  const names = (pattern: RegExp) => paths.flatMap((path) => pattern.exec(path)?.[1] ?? []).sort();
  const messages = names(/^packages\/protocol\/src\/messages\/(\d\d-[a-z-]+)\.ts$/);
  const handlers = names(/^packages\/broker\/src\/handlers\/(\d\d-[a-z-]+)\.ts$/);
  const tests = names(/^packages\/broker\/test\/handlers\/(\d\d-[a-z-]+)\.test\.ts$/);

  it("has a message for every handler", () => {
    expect(handlers.filter((name) => !messages.includes(name))).toEqual([]);
  });

  it("has a test for every handler, and no test without one", () => {
    expect(tests).toEqual(handlers);
  });
});

describe("what must not lie about", () => {
  it("has no work left open in a comment", () => {
    // Put together, or this very line would be found.
    const open = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b`);
    expect(lines([...textOf.keys()].filter(isOurs), (line) => open.test(line))).toEqual([]);
  });

  it("has no test that keeps the others from running", () => {
    const tests = sources.filter((path) => path.endsWith(".test.ts"));
    expect(lines(tests, (line) => /\b(it|test|describe)\.only\(/.test(line))).toEqual([]);
  });

  it("has no skipped test without a reason: context.skip(reason) instead", () => {
    const tests = sources.filter((path) => path.endsWith(".test.ts"));
    const silent = /\.(skipIf|runIf)\(|\b(it|test|describe)\.(skip|todo)\b|\.skip\(\)/;
    expect(lines(tests, (line, path) => isOurs(path) && silent.test(line))).toEqual([]);
  });

  it("has no path of somebody's machine", () => {
    const paths = /["'`\s(](\/home\/|\/root\/|\/Users\/|\/work\/|[A-Z]:\\)/;
    expect(lines([...textOf.keys()].filter(isOurs), (line) => paths.test(line))).toEqual([]);
  });

  it("has no download addresses in package-lock.json", () => {
    expect(textOf.get("package-lock.json")).not.toMatch(/"resolved": "https?:/);
  });

  it("has no empty file", () => {
    const empty = paths.filter((path) => readFileSync(join(root, path)).length === 0);
    expect(empty).toEqual([]);
  });
});

const isOurs = (path: string) => path !== "package-lock.json" && path !== "test/tidy.test.ts";

it("sees the repository", () => {
  expect(readdirSync(join(root, "packages")).length).toBeGreaterThan(3);
  expect(sources.length).toBeGreaterThan(50);
});
