import type { Readable } from "node:stream";

const NEWLINE = 0x0a;

/** Lines of a stream, as bytes without their \n; what follows the last \n counts as one. A \r stays. */
export async function* linesOf(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  for await (const lines of chunksOfLines(stream)) yield* lines;
}

/** The same, all that one read brings at a time: a million short lines are not a million turns. */
export async function* chunksOfLines(stream: Readable): AsyncGenerator<Buffer[], void, undefined> {
  let pieces: Buffer[] = [];
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer);
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      const line = bytes.subarray(from, at);
      lines.push(pieces.length === 0 ? line : joined([...pieces, line]));
      pieces = [];
      from = at + 1;
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (pieces.length > 0) yield [joined(pieces)];
}

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
