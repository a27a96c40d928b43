import type { Context, Handler } from "hono";
import type { NodeBindings } from "./node-listener.ts";

/** What every handler is given by the server. */
export interface HttpEnv {
  Bindings: NodeBindings;
}

export type Route = Handler<HttpEnv>;

/** GET, which serves HEAD too, only reads; the other methods change something. */
export const METHODS = ["GET", "POST", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** One path, where a part `:id` stands for any, with what can be done there. */
export interface Resource extends Readonly<Partial<Record<Method, Route>>> {
  readonly path: string;
}

/** What stands in the place of `:id`, decoded. */
export function idOf({ req }: Context<HttpEnv>): string {
  return req.param("id") ?? "";
}
