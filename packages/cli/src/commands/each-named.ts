import type { Admin } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Output } from "../terminal/output.ts";

/**
 * Acts on everything that `option` or bare words name, one after the other, until one fails.
 */
export function eachNamed(
  args: Arguments,
  option: string,
  act: (admin: Admin, output: Output, name: string) => Promise<void>,
): (admin: Admin, output: Output) => Promise<void> {
  const names = args.allNamed(option);
  return async (admin, output) => {
    for (const name of names) await act(admin, output, name);
  };
}
