import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { lines, paths, root, sources, textOf } from "./repository.ts";

// House rules that a program can check; more are in size.test.ts and imports.test.ts. Each test
// compares its list of violations with the empty list, so that a failure shows all of them.
const brokerSources = sources.filter((path) => path.startsWith("packages/broker/src/"));

describe("the outside world", () => {
  /** The folders that may use each API directly; all other code gets an Env. */
  const DOORS: readonly [banned: RegExp, instead: string, allowed: RegExp][] = [
    [/\bDate\.now\(|new Date\(\)/, "env.clock.wallMs()", /^(env|logging)\//],
    [/\bperformance\.now\(|process\.hrtime/, "env.clock.monotonicMs()", /^env\//],
    [/\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/, "env.random", /^env\//],
    [/\bset(Timeout|Interval)\(/, "env.timers", /^env\//],
    [/from "(node:)?(fs|fs\/promises|child_process)"/, "env.fs", /^(env|config|logging)\//],
    [/from "(node:)?(net|http|tls)"/, "the listener", /^(env|server|http|tls)\//],
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

  it("is not used by the protocol", () => {
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

describe("leftovers", () => {
  it("has no open task in a comment", () => {
    // Put together from parts, or this line itself would be found.
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

  it("has no path of a developer's machine", () => {
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

const isOurs = (path: string) => path !== "package-lock.json" && !path.startsWith("test/tidy/");

it("sees the repository", () => {
  expect(readdirSync(join(root, "packages")).length).toBeGreaterThan(3);
  expect(sources.length).toBeGreaterThan(50);
});
