import { describe, expect, it } from "vitest";
import { RegexError, TopicPattern } from "../../../src/groups/model/regex/topic-pattern.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";

const matches = (pattern: string, name: string) => new TopicPattern(pattern).matches(name);

describe("a topic pattern", () => {
  it.each([
    ["orders", "orders", "order"],
    ["orders.*", "orders", "my-orders"],
    ["orders\\..+", "orders.eu", "orders_eu"],
    ["(eu|us)-\\d{2}", "eu-42", "eu-4"],
    ["[a-c-]+", "a-c", "d"],
    ["[^a-c]+", "xyz", "xaz"],
    ["[]x]", "x", "y"],
    ["a{2,}", "aaa", "a"],
    ["a{1,2}b", "aab", "aaab"],
    ["a{0}b", "b", "ab"],
    ["^a$", "a", "aa"],
    ["a^b|c", "c", "ab"],
    ["a$b|c", "c", "ab"],
    ["\\Aa\\z", "a", "b"],
    ["(?i)abc", "AbC", "abd"],
    ["(?i:a)b", "Ab", "aB"],
    ["(a(?i)b)c", "aBc", "aBC"],
    ["(?i)[a-c]", "B", "D"],
    ["(?i)a(?-i:b)", "Ab", "AB"],
    ["(?:ab)+?", "abab", "aba"],
    ["(?P<x>a)|(?<y>b)", "b", "c"],
    ["\\Qa.b*\\E.", "a.b*c", "aXb*c"],
    ["\\Qa.b", "a.b", "aXb"],
    ["\\w+\\W\\w+", "a-b", "a_b"],
    ["[[:alpha:]]+[[:^digit:]]", "ab", "a1"],
    ["[\\d.]+", "1.2", "a"],
    ["\\x61\\x{62}", "ab", "aa"],
    ["a||b", "b", "c"],
    ["{a", "{a", "a"],
    ["ä|a", "a", "b"],
    ["(a*)*b", "aab", "c"],
    ["\\bab\\b-.*", "ab-c", "abc"],
    ["a\\Bb", "ab", "a"],
    ["\\pL+", "ab", "a1"],
    ["\\p{Lu}\\PL", "A1", "a1"],
    ["\\p{Greek}|a", "a", "b"],
    ["[\\p{Nd}x]+", "1x", "a"],
    ["(?U)a+", "aa", "b"],
    ["(?m:^a$)", "a", "aa"],
    ["\\141", "a", "b"],
    ["(a){1000}|b", "b", "a"],
    ["[({](?:[a-z]{1,200}){1}[\\])}]|a", "a", "("],
  ])("%s matches %s as a whole, and not %s", (pattern, name, other) => {
    expect(matches(pattern, name)).toBe(true);
    expect(matches(pattern, other)).toBe(false);
  });

  it.each([
    "(",
    ")",
    "a)",
    "[a",
    "[b-a]",
    "[a-\\d]",
    "[[:nope:]]",
    "*a",
    "a**",
    "a{2}{3}",
    "a{2,1}",
    "a{1001}",
    "a\\",
    "\\1",
    "\\xZ",
    "(?=a)",
    "(?<!a)",
    "(?x)a",
    "a".repeat(1_025),
    "(a{1000}){1000}",
    "((((((){1000}){1000}){1000}){1000}){1000}){1000}",
    "(a?){1000}(b?){1000}",
    "(".repeat(500),
    "\\p{Nope}",
    "(?<=a)b",
    "(?P<x>a)(?P<x>b)",
    `(?:${"\\pL".repeat(330)}){1000}`,
    `(?:${"a?".repeat(500)}){1000}`,
    `(?:[\\]({]${"[ab]".repeat(240)}){1000}`,
  ])("is refused when it is invalid or too large: %s", (pattern) => {
    expect(() => new TopicPattern(pattern)).toThrow(RegexError);
  });

  it("matches in linear time where a backtracking matcher would hang", () => {
    const name = "a".repeat(249);
    for (const pattern of [
      "(a+)+b",
      "(a|a)*b",
      "(a*)*(a*)*b",
      `${"a?".repeat(100)}${"a".repeat(100)}b`,
      "(.*)(.*)(.*)(.*)(.*)(.*)(.*)b",
      "((a{0,20}){0,20}b)?c",
      "(()*)*b",
    ]) {
      const compiled = new TopicPattern(pattern);
      for (let i = 0; i < 200; i++) expect(compiled.matches(name)).toBe(false);
    }
  });

  it("matches correctly when its states exceed the memory limit", () => {
    const pattern = new TopicPattern("(a|b)*a(a|b){12}");
    const random = new SeededRandom(1);
    for (let i = 0; i < 300; i++) {
      const name = Array.from({ length: 249 }, () => random.pick(["a", "b"])).join("");
      expect(pattern.matches(name)).toBe(name.at(-13) === "a");
    }
  });

  it("matches the same names as a JavaScript regular expression", () => {
    const random = new SeededRandom(seedOf("topic patterns"));
    for (let i = 0; i < 3_000; i++) {
      const pattern = randomPattern(random, 4);
      const compiled = new TopicPattern(pattern);
      const oracle = new RegExp(`^(?:${pattern})$`);
      for (let j = 0; j < 20; j++) {
        const name = Array.from({ length: 1 + random.below(8) }, () => random.pick([..."ab.-"]));
        const text = name.join("");
        expect(`${pattern} ${text} ${compiled.matches(text)}`).toBe(
          `${pattern} ${text} ${oracle.test(text)}`,
        );
      }
    }
  });
});

/** Syntax that RE2 and JavaScript share; small enough for an oracle that backtracks. */
function randomPattern(random: SeededRandom, depth: number): string {
  const inner = () => randomPattern(random, depth - 1);
  const atoms = ["a", "b", "\\.", "-", ".", "[ab]", "[^a]", "[.-]", "\\w", "^", "$"];
  if (depth === 0) return random.pick(atoms);
  switch (random.below(7)) {
    case 0:
      return `(${inner()}|${inner()})`;
    case 1:
      return `(?:${inner()})${random.pick(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])}`;
    case 2:
      return `${inner()}|${inner()}`;
    default:
      return inner() + inner();
  }
}
