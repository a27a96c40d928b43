import type { Admin } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Io } from "../terminal/io.ts";

/**
 * Acts on everything named by `option` or by bare words, one after the other; a failure ends it.
 */
export function eachNamed(
  args: Arguments,
  option: string,
  act: (admin: Admin, io: Io, name: string) => Promise<void>,
): (admin: Admin, io: Io) => Promise<void> {
  const names = args.allNamed(option);
  return async (admin, io) => {
    for (const name of names) await act(admin, io, name);
  };
}
