import { readFile } from "node:fs/promises";
import type { ClientOptions, SaslOptions, TlsOptions } from "@tarpan/client";
import { CommandError, UsageError } from "../terminal/failures.ts";
import { osReason } from "../terminal/os-reason.ts";
import type { Arguments } from "./arguments.ts";

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

/** How a command's client connects, by its flags `--tls-…` and `--sasl-…`. */
export async function securityFrom(args: Arguments): Promise<Pick<ClientOptions, "tls" | "sasl">> {
  return { tls: await tlsFrom(args), sasl: await saslFrom(args) };
}

async function tlsFrom(args: Arguments): Promise<TlsOptions | undefined> {
  const [ca, cert, key] = await Promise.all(
    ["tls-ca", "tls-cert", "tls-key"].map((flag) => fileOf(args, flag)),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--tls-cert and --tls-key belong together");
  }
  if (ca === undefined && cert === undefined) return undefined;
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert, key: key! }) };
}

/** A password comes from a file, because everybody on the machine can read a command line. */
async function saslFrom(args: Arguments): Promise<SaslOptions | undefined> {
  const named = args.text("sasl-mechanism")?.toUpperCase();
  const username = args.text("sasl-username");
  const password = await fileOf(args, "sasl-password-file");
  if (named === undefined && username === undefined && password === undefined) return undefined;
  if (username === undefined) throw new UsageError("--sasl-username is missing");
  if (password === undefined) throw new UsageError("--sasl-password-file is missing");
  const mechanism = MECHANISMS.find((name) => name === (named ?? "SCRAM-SHA-512"));
  if (mechanism === undefined) {
    throw new UsageError(`--sasl-mechanism must be one of ${MECHANISMS.join(", ")}`);
  }
  return { mechanism, username, password: password.replace(/\r?\n$/, "") };
}

async function fileOf(args: Arguments, flag: string): Promise<string | undefined> {
  const path = args.text(flag);
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CommandError(`--${flag}: ${path} can't be read: ${osReason(error)}`);
  }
}
