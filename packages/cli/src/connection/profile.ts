// A profile is a client.properties in the user's directory of configurations.
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nearest } from "@tarpan/protocol/internal/nearest";
import { CommandError, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { osReason } from "../terminal/os-reason.ts";
import { readProperties } from "./client-properties.ts";
import type { Source } from "./source.ts";

const DEFAULT = "default";
/** To use no profile, not even the default one. */
const NONE = "none";
const EXTENSION = ".properties";
/** Read or written by the group or by others. */
const OTHERS = 0o077;

/** The profile that `name` names, or the default one if there is one. */
export async function profileFrom(name: string | undefined, { env }: Io): Promise<Source | null> {
  if (name === NONE) return null;
  if (name !== undefined && !/^[\w-][\w.-]*$/.test(name)) {
    throw new UsageError(`${JSON.stringify(name)} can't be the name of a profile`);
  }
  const { XDG_CONFIG_HOME: configs, HOME: home } = env;
  const parent = configs || (home && join(home, ".config"));
  if (!parent) {
    if (name === undefined) return null;
    throw new CommandError("profiles need the variable HOME or XDG_CONFIG_HOME");
  }
  const directory = join(parent, "tarpan");
  const path = join(directory, `${name ?? DEFAULT}${EXTENSION}`);
  const mode = await modeOf(path);
  if (mode === null) {
    if (name === undefined) return null;
    throw await noProfile(name, path);
  }
  const source = await readProperties(path, "profile", dirname(path));
  const isSecret = source.credentials !== undefined || source.identity !== undefined;
  if (!isSecret || (mode & OTHERS) === 0) return source;
  const open = `other users may read ${path}, which has a secret: chmod 600 ${path}`;
  return { ...source, warnings: [...(source.warnings ?? []), open] };
}

async function noProfile(name: string, path: string): Promise<CommandError> {
  const files = await readdir(dirname(path)).catch(() => []);
  const names = files.filter((file) => file.endsWith(EXTENSION));
  const near = nearest(
    name,
    names.map((file) => file.slice(0, -EXTENSION.length)),
  );
  const hint = near === null ? "" : `; did you mean ${near}?`;
  return new CommandError(`there is no profile ${name}: ${path} does not exist${hint}`);
}

/** Null if there is no such file. */
async function modeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mode;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw new CommandError(`${path} can't be read: ${osReason(error)}`);
  }
}
