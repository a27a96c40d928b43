import { UsageError } from "../terminal/failures.ts";
import { nearestName } from "./nearest.ts";
import type { Arguments } from "./parse.ts";

/** Takes the next bare word as one of `actions`, or throws with the nearest of them. */
export function subcommand<T>(args: Arguments, actions: Readonly<Record<string, T>>): T {
  const names = Object.keys(actions);
  const name = args.word();
  const action = name === undefined ? undefined : actions[name];
  if (action !== undefined && Object.hasOwn(actions, name!)) return action;
  if (name === undefined) throw new UsageError(`needs one of ${names.join(", ")}`);
  const near = nearestName(name, names);
  const hint = near === null ? `it is one of ${names.join(", ")}` : `did you mean ${near}?`;
  throw new UsageError(`there is no ${JSON.stringify(name)}; ${hint}`);
}
