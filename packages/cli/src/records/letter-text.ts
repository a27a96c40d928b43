import type { DeadLetter } from "@tarpan/client";
import { recordJson } from "./ndjson.ts";

const PREVIEW_CHARACTERS = 100;

export function letterJson(letter: DeadLetter) {
  const { topic, partition, offset, timestamp, key, value, headers, ...failure } = letter;
  return {
    ...recordJson({ topic, partition, offset, timestamp, key, value, headers }),
    ...failure,
  };
}

/** Some lines about a letter; `whole` with all of its value, its headers and the stack. */
export function letterText(letter: DeadLetter, whole: boolean): string {
  const { topic, partition, offset, origin, group, reason, attempts, consumer } = letter;
  const from = origin && `${origin.topic}-${origin.partition} offset ${origin.offset}`;
  const rows: [name: string, text: string | null][] = [
    ["from", from],
    ["group", consumer === null ? group : `${group ?? "-"}, member ${consumer}`],
    ["reason", reason],
    ["attempts", attempts === null ? null : `${attempts}${periodOf(letter)}`],
    ["error", letter.message],
    ["redriven", letter.redriven ? "yes" : null],
    ["key", bytesText(letter.key, whole)],
    ["value", bytesText(letter.value, whole)],
    ...(whole ? details(letter) : []),
  ];
  const lines = rows.map(([name, text]) => `  ${name.padEnd(8)}  ${printable(text ?? "-")}\n`);
  return `${topic}-${partition} offset ${offset}\n${lines.join("")}`;
}

function details({ headers, stack }: DeadLetter): [string, string][] {
  const named = headers.map(({ key, value }): [string, string] => [
    "header",
    `${key}=${bytesText(value, true)}`,
  ]);
  const lines = (stack ?? "").split("\n").filter((line) => line.trim() !== "");
  return [...named, ...lines.map((line): [string, string] => ["stack", line])];
}

function periodOf({ firstFailureMs, lastFailureMs }: DeadLetter): string {
  if (firstFailureMs === null || lastFailureMs === null) return "";
  const [first, last] = [firstFailureMs, lastFailureMs].map((ms) => new Date(ms).toISOString());
  return first === last ? `, at ${first}` : `, from ${first} to ${last}`;
}

/** Text in quotes, or where it was cut the number of bytes; other bytes as they are in UTF-8. */
function bytesText(bytes: Uint8Array | null, whole: boolean): string {
  if (bytes === null) return "null";
  const text = Buffer.from(bytes).toString();
  if (whole || text.length <= PREVIEW_CHARACTERS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, PREVIEW_CHARACTERS))}… (${bytes.length} bytes)`;
}

/** Without what would control the terminal, and on one line. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (letter) => {
    const code = letter.charCodeAt(0).toString(16).padStart(2, "0");
    return letter === "\n" ? " " : `\\x${code}`;
  });
}
