import type { Context } from "hono";
import type { Change } from "../audit/audit-event.ts";
import { type HttpEnv, idOf, type Method } from "./resource.ts";

const FORBIDDEN = 403;

/** What a request has changed, or tried to; null if it was refused, which has a line of its own. */
export function changeOf(c: Context<HttpEnv>, method: Method, path: string): Change | null {
  const { status } = c.res;
  if (status === FORBIDDEN || c.get("isPlan")) return null;
  return {
    operation: `${method} ${path}`,
    resource: resourceOf(c, path),
    failure: status < 400 ? null : `status ${status}`,
    detail: c.req.query("resolution") ?? null,
    // `tarpan cluster remove` asks twice a second, until the partitions were moved.
    isFrequent: path.startsWith("/api/v1/brokers/"),
  };
}

function resourceOf(c: Context<HttpEnv>, path: string): string {
  const id = idOf(c) || c.req.query("id");
  const [, , , kind] = path.split("/");
  if (kind === "half-messages") return `half-message:${c.req.query("group")}/${id}`;
  return `${kind === "delayed" ? "delayed-message" : kind!.replace(/s$/, "")}:${id}`;
}
