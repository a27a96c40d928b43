import { createPrivateKey } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { domainToASCII } from "node:url";
import type { Arguments } from "../args/arguments.ts";
import type { Command } from "../args/command.ts";
import { type Authority, newAuthority, newCertificate } from "../certificates/x509.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { osReason } from "../terminal/os-reason.ts";

/** Browsers and Java refuse certificates of servers that are valid for longer than this. */
const VALID_DAYS = 365;
const DAY_MS = 86_400_000;
/** Clocks of other machines may be behind. */
const EARLIER_MS = 3_600_000;

const AUTHORITY = "ca";
const AUTHORITY_NAME = "Tarpan private CA";

export const certificate: Command = {
  name: "certificate",
  summary: "Make certificates of a private authority, to try TLS out.",
  usage: ["create NAME [--hosts A,B]"],
  options: [
    { name: "hosts", argument: "A,B", help: "names and addresses of the host; none for a client" },
    { name: "directory", argument: "DIR", help: "where the files are (./certificates)" },
  ],
  examples: [
    "tarpan certificate create broker --hosts localhost,127.0.0.1",
    "tarpan certificate create alice",
  ],
  run: {
    create: { summary: "a certificate, and the authority if there is none", run: create },
  },
};

async function create(args: Arguments, io: Io): Promise<void> {
  const directory = args.text("directory") ?? "certificates";
  const listed = (args.text("hosts") ?? "").split(",").map((host) => host.trim());
  const hosts = listed.filter((host) => host !== "").map(hostFrom);
  const name = args.word();
  args.end();
  if (name === undefined) throw new UsageError("a name is missing: tarpan certificate create NAME");
  if (!/^[\w.-]+$/.test(name) || name === AUTHORITY) {
    throw new UsageError(`${JSON.stringify(name)} can't be the name of a file here`);
  }
  const files = new Files(directory);
  await files.make();
  const authority = (await authorityIn(files)) ?? (await createAuthority(files));
  const issued = newCertificate({ name, hosts, authority, ...validity() });
  // One file, as ssl.keystore.location takes it.
  await files.write(`${name}.key`, issued.key, true);
  await files.write(`${name}.crt`, issued.certificate, false);
  await files.write(`${name}.pem`, `${issued.key}${issued.certificate}`, true);
  io.stdout.write(`${files.path(`${name}.pem`)} has the key and the certificate of ${name},
${files.path(`${AUTHORITY}.crt`)} the authority to trust. They are valid for ${VALID_DAYS} days.
`);
}

/** An address, or a name as certificates have it: in ASCII. */
function hostFrom(text: string): string {
  if (isIP(text) !== 0 && !text.includes("%")) return text;
  const name = /[/?#@\\]/.test(text) ? "" : domainToASCII(text);
  if (/^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(name)) return name;
  throw new UsageError(`--hosts: ${JSON.stringify(text)} is not the name or address of a host`);
}

async function authorityIn(files: Files): Promise<Pick<Authority, "name" | "privateKey"> | null> {
  const key = await files.read(`${AUTHORITY}.key`);
  if (key === null) return null;
  try {
    return { name: AUTHORITY_NAME, privateKey: createPrivateKey(key) };
  } catch {
    throw new CommandError(`${files.path(`${AUTHORITY}.key`)} is not a key of this command's`);
  }
}

async function createAuthority(files: Files): Promise<Authority> {
  const made = newAuthority(AUTHORITY_NAME, validity());
  await files.write(`${AUTHORITY}.key`, made.key, true);
  await files.write(`${AUTHORITY}.crt`, made.certificate, false);
  return made;
}

function validity() {
  const now = Date.now();
  return { fromMs: now - EARLIER_MS, untilMs: now + VALID_DAYS * DAY_MS };
}

/** The files of one directory. Those of this name are never overwritten. */
class Files {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  async make(): Promise<void> {
    await this.#try(this.#directory, () => mkdir(this.#directory, { recursive: true }));
  }

  /** Null if there is no such file. */
  read(name: string): Promise<string | null> {
    return this.#try(this.path(name), async () => {
      try {
        return await readFile(this.path(name), "utf8");
      } catch (error) {
        if ((error as { code?: string }).code === "ENOENT") return null;
        throw error;
      }
    });
  }

  async write(name: string, text: string, secret: boolean): Promise<void> {
    const options = { flag: "wx", mode: secret ? 0o600 : 0o644 };
    await this.#try(this.path(name), () => writeFile(this.path(name), text, options));
  }

  async #try<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new CommandError(`${path}: ${osReason(error)}`);
    }
  }
}
