import type { Io } from "../terminal/io.ts";
import { Output } from "../terminal/output.ts";
import type { Arguments } from "./arguments.ts";

/** Takes the options of JSON_OPTIONS. */
export function outputFrom(args: Arguments, io: Io): Output {
  // Both are asked for, so that neither is refused as having no effect.
  const [isJson, format] = [args.has("json"), args.oneOf("output", ["text", "json"])];
  return new Output(isJson || format === "json", io);
}
