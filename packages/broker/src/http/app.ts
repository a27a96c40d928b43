import type { MiddlewareHandler } from "hono";
import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { OnError } from "../server/shared.ts";
import { errorAnswer } from "./error-answer.ts";
import { HttpError } from "./http-error.ts";
import { isLoopback } from "./loopback.ts";
import { pathOf } from "./node-listener.ts";
import { type HttpEnv, METHODS, type Resource, type Route } from "./resource.ts";
import { resourcesOf } from "./routes.ts";
import { json } from "./text-response.ts";

/** All resources as one Hono app. */
export function createApp(broker: BrokerAdmin, onError: OnError): HonoBase<HttpEnv> {
  const app = new HonoBase<HttpEnv>({
    // Hono's smallest router that supports `:id{…}`.
    router: new TrieRouter(),
    getPath: (_request, options) => pathOf(options!.env!.incoming),
  });
  const resources = resourcesOf(broker);
  for (const resource of resources) serve(app, resource);
  const paths = resources.map(({ path }) => path);
  app.notFound(() => json(404, { error: "not found", paths }));
  app.onError((error, { req }) => {
    const refusal = errorAnswer(error);
    if (refusal !== null) return refusal;
    onError("an HTTP request failed", { path: req.path, error });
    return json(500, { error: "internal error" });
  });
  return app;
}

function serve(app: HonoBase<HttpEnv>, resource: Resource): void {
  // Also matches an empty id, so that its handler says what is wrong.
  const path = resource.path.replace(":id", ":id{[^/]*}");
  app.use(path, expectWellEncoded);
  for (const method of METHODS) {
    const route = resource[method];
    if (route === undefined) continue;
    if (method === "GET") app.on(method, path, route);
    else app.on(method, path, refuseStrangers, route);
  }
  app.all(path, notAllowed(resource));
}

function notAllowed(resource: Resource): Route {
  const methods = METHODS.filter((method) => resource[method] !== undefined);
  const allow = methods.join(", ").replace("GET", "GET, HEAD");
  return () => json(405, { error: `${resource.path} takes ${allow}` }, { allow });
}

/** Otherwise Hono would pass on the id undecoded, which may be the id of another group. */
const expectWellEncoded: MiddlewareHandler<HttpEnv> = ({ env }, next) => {
  if (!isWellEncoded(env.incoming.url ?? ""))
    throw new HttpError(400, "the path or the query is not percent-encoded correctly");
  return next();
};

function isWellEncoded(path: string): boolean {
  try {
    // The bundler removes a call whose result is not used.
    return decodeURIComponent(path).length <= path.length;
  } catch {
    return false;
  }
}

/**
 * Until there is authentication, only clients on this machine may make changes. A web page in a
 * browser on this machine may not, because it may come from any site: with these methods, browsers
 * send an Origin header.
 */
const refuseStrangers: MiddlewareHandler<HttpEnv> = ({ req, env }, next) => {
  if (!isLoopback(env.incoming.socket.remoteAddress ?? "")) {
    throw new HttpError(403, "changes are limited to loopback until authentication exists");
  }
  if (req.header("origin") !== undefined) {
    throw new HttpError(403, "web pages can't change anything until authentication exists");
  }
  return next();
};
