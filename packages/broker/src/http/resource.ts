import type { Context, Handler } from "hono";
import type { Access } from "./access.ts";
import type { NodeBindings } from "./node-listener.ts";

/** The context of every route, for Hono's types. */
export interface HttpEnv {
  Bindings: NodeBindings;
  Variables: {
    readonly access: Access;
    /** Whether the request only asks what it would change. */
    readonly isPlan: boolean | undefined;
  };
}

export type Route = Handler<HttpEnv>;

/** GET reads, and also serves HEAD. The other methods change something. */
export const METHODS = ["GET", "POST", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** A path, in which `:id` matches any text, with a route for each method. */
export interface Resource extends Readonly<Partial<Record<Method, Route>>> {
  readonly path: string;
}

/** The value of `:id`, decoded. */
export function idOf({ req }: Context<HttpEnv>): string {
  return req.param("id") ?? "";
}
