import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { chunksOfLines, linesOf } from "../src/records/lines.ts";

async function read(...chunks: string[]): Promise<string[]> {
  const lines: string[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk, "latin1")));
  for await (const line of linesOf(stream)) lines.push(line.toString("latin1"));
  return lines;
}

test.each([
  [["a\nb\n"], ["a", "b"]],
  [["a\nb"], ["a", "b"]],
  [
    ["a", "b\n", "c"],
    ["ab", "c"],
  ],
  [["\n\n"], ["", ""]],
  [
    ["a\r\nb\r", "\nc"],
    ["a\r", "b\r", "c"],
  ],
  [[], []],
  [["\xff\n\x00"], ["\xff", "\x00"]],
])("%j", async (chunks, lines) => expect(await read(...chunks)).toEqual(lines));

test("chunksOfLines yields all lines of a chunk at once", async () => {
  const portions: string[][] = [];
  for await (const lines of chunksOfLines(
    Readable.from(["a\nb\nc", "d\n", "e"].map((text) => Buffer.from(text))),
  ))
    portions.push(lines.map(String));
  expect(portions).toEqual([["a", "b"], ["cd"], ["e"]]);
});

test("a line that is too long is refused before its end is read", async () => {
  const portion = Buffer.alloc(16 * 1024 * 1024, "x");
  let read = 0;
  const endless = Readable.from({
    async *[Symbol.asyncIterator]() {
      for (; ; read++) yield portion;
    },
  });
  await expect(chunksOfLines(endless).next()).rejects.toThrow("a line of more than 100 MiB");
  expect(read).toBeLessThan(30);
});
