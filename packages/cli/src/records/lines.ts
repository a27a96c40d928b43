import type { Readable } from "node:stream";
import { CommandError } from "../terminal/failures.ts";

const NEWLINE = 0x0a;
/**
 * No broker accepts a request of this size, so no record is this large. Without this limit, a line
 * that never ends would fill the memory.
 */
const MAX_LINE_BYTES = 100 * 1024 * 1024;

/**
 * Lines of a stream, as bytes without their \n; bytes after the last \n are a line, too. A \r
 * is part of its line.
 */
export async function* linesOf(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  for await (const lines of chunksOfLines(stream)) yield* lines;
}

/** The same, but yields all lines of a chunk at once: an `await` per line would be slow. */
export async function* chunksOfLines(stream: Readable): AsyncGenerator<Buffer[], void, undefined> {
  let pieces: Buffer[] = [];
  let piecesBytes = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer);
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      const line = bytes.subarray(from, at);
      lines.push(pieces.length === 0 ? line : joined([...pieces, line]));
      [pieces, piecesBytes] = [[], 0];
      from = at + 1;
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from));
    piecesBytes += bytes.length - from;
    if (lines.length > 0) yield lines;
    if (piecesBytes > MAX_LINE_BYTES)
      throw new CommandError("a line of more than 100 MiB, which no request can carry: split it");
  }
  if (pieces.length > 0) yield [joined(pieces)];
}

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
