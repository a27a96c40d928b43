import { Admin } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Action } from "../args/command.ts";
import { outputFrom } from "../args/output.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { withClient } from "./connect.ts";

/** Takes its arguments, and returns the function that does the work. */
export type Prepare = (args: Arguments, io: Io) => (admin: Admin, output: Output) => Promise<void>;

/** An action that sends one or more requests to the cluster. */
export function adminAction(summary: string, prepare: Prepare): Action {
  return {
    summary,
    async run(args, io) {
      const output = outputFrom(args, io);
      const act = prepare(args, io);
      args.end();
      await withClient(args, io, (client) => output.around(() => act(new Admin(client), output)));
    },
  };
}
