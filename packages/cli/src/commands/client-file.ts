import { readFile } from "node:fs/promises";
import { nearest } from "@tarpan/protocol/internal/nearest";
import { CommandError } from "../terminal/failures.ts";
import { osReason } from "../terminal/os-reason.ts";

/** The keys of a client.json, all optional. */
export interface ClientFile {
  readonly broker_addrs?: readonly string[];
  readonly timeout?: string;
  readonly log_file?: string;
  readonly command?: {
    readonly type?: string;
    readonly topic?: string;
    readonly partition?: number;
    readonly message?: string;
    readonly offset?: number;
    readonly count?: number;
  };
}

const isText = (value: unknown) => typeof value === "string";
const isNumber = (value: unknown) => Number.isSafeInteger(value);
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);

const FIELDS: Readonly<Record<string, { is: (value: unknown) => boolean; expected: string }>> = {
  broker_addrs: { is: isTexts, expected: 'a list such as ["localhost:9092"]' },
  timeout: { is: isText, expected: 'a duration such as "10s"' },
  log_file: { is: isText, expected: "a path" },
  "command.type": { is: isText, expected: "a command such as produce" },
  "command.topic": { is: isText, expected: "a topic" },
  "command.partition": { is: isNumber, expected: "a whole number" },
  "command.message": { is: isText, expected: "a text" },
  "command.offset": { is: isNumber, expected: "a whole number" },
  "command.count": { is: isNumber, expected: "a whole number" },
};

/** Rejects with CommandError, one line that names the file. */
export async function readClientFile(path: string): Promise<ClientFile> {
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw new CommandError(`can't read ${path}: ${osReason(error)}`, { cause: error });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${path} is not JSON: ${(error as Error).message}`);
  }
  check(path, json, "");
  return json as ClientFile;
}

function check(path: string, json: unknown, prefix: string): void {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new CommandError(`${path}: ${prefix.slice(0, -1) || "it"} must be a JSON object`);
  for (const [key, value] of Object.entries(json)) {
    const name = `${prefix}${key}`;
    if (name === "command") {
      check(path, value, "command.");
      continue;
    }
    const field = FIELDS[name];
    if (field === undefined) throw unknownKey(path, name);
    if (!field.is(value)) throw new CommandError(`${path}: ${name} must be ${field.expected}`);
  }
}

function unknownKey(path: string, name: string): CommandError {
  const near = nearest(name, Object.keys(FIELDS));
  const hint = near === null ? "" : `; did you mean "${near}"?`;
  return new CommandError(`${path}: unknown key "${name}"${hint}`);
}
