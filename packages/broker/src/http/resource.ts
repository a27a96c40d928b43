import type { Context, Handler } from "hono";
import type { NodeBindings } from "./node-listener.ts";

/** What the server gives to every handler. */
export interface HttpEnv {
  Bindings: NodeBindings;
}

export type Route = Handler<HttpEnv>;

/** GET only reads, and serves HEAD, too; the other methods change something. */
export const METHODS = ["GET", "POST", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** A path, in which `:id` stands for any text, with a route for each method. */
export interface Resource extends Readonly<Partial<Record<Method, Route>>> {
  readonly path: string;
}

/** The value of `:id`, decoded. */
export function idOf({ req }: Context<HttpEnv>): string {
  return req.param("id") ?? "";
}
