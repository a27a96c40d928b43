import type { Admin } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Io } from "../terminal/io.ts";

/**
 * Acts on everything that `option` or bare words name, one after the other, until one fails.
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
