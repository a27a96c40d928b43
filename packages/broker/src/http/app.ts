import type { MiddlewareHandler } from "hono";
import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Authorizer } from "../security/authorizer.ts";
import type { OnError } from "../server/shared.ts";
import { Access } from "./access.ts";
import { changeOf } from "./audit-change.ts";
import { authenticate } from "./authenticate.ts";
import { errorAnswer } from "./error-answer.ts";
import { HttpError } from "./http-error.ts";
import { isLoopback } from "./loopback.ts";
import { pathOf } from "./node-listener.ts";
import { type HttpEnv, idOf, METHODS, type Method, type Resource, type Route } from "./resource.ts";
import { expectPermission, isOpenPath, ruleOf } from "./route-permissions.ts";
import { resourcesOf } from "./routes.ts";
import { json } from "./text-response.ts";
import {
  adviceFor,
  expectOne,
  refuseChangeByPage,
  refuseReadByPage,
  strangeHost,
} from "./web-pages.ts";

export interface AppParts {
  readonly broker: BrokerAdmin;
  readonly authorizer: Authorizer;
  readonly audit: AuditLog;
  /** Whether clients may ask this broker by that name. */
  readonly isOwnHost: (name: string) => boolean;
  readonly onError: OnError;
  /** Called for each request that is refused for its Host header. */
  readonly onStrangeHost: (advice: string, remoteAddress: string) => void;
}

/** All resources as one Hono app. */
export function createApp(parts: AppParts): HonoBase<HttpEnv> {
  const { broker, onError } = parts;
  const app = new HonoBase<HttpEnv>({
    // Hono's smallest router that supports `:id{…}`.
    router: new TrieRouter(),
    getPath: (_request, options) => pathOf(options!.env!.incoming),
  });
  const resources = resourcesOf(broker);
  app.use("*", admit(parts));
  for (const resource of resources) serve(app, resource, parts.audit);
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

/** Finds out who the client is, and what it may do. */
function admit({
  authorizer,
  audit,
  isOwnHost,
  onStrangeHost,
}: AppParts): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { incoming } = c.env;
    expectOne("Host", incoming);
    expectOne("Authorization", incoming);
    const isOpen = isOpenPath(pathOf(incoming));
    const access = await authenticate(c.env, { authorizer, audit }, isOpen);
    const strange = access.isKnown ? null : strangeHost(incoming.headers, isOwnHost);
    if (!isOpen) {
      refuseReadByPage(incoming);
      if (strange !== null) {
        const advice = adviceFor(strange);
        onStrangeHost(advice, access.client.remoteAddress);
        const what = "the name in the Host header is not one of this broker's";
        throw new HttpError(421, `${what}: ask by its address; ${advice}`);
      }
    }
    const nothing = () => new Access(access.client, { authorizer: null, audit });
    c.set("access", strange === null ? access : nothing());
    await next();
  };
}

function serve(app: HonoBase<HttpEnv>, resource: Resource, audit: AuditLog): void {
  // Also matches an empty id, so that its handler says what is wrong.
  const path = resource.path.replace(":id", ":id{[^/]*}");
  app.use(path, expectWellEncoded);
  for (const method of METHODS) {
    const route = resource[method];
    if (route === undefined) continue;
    const pass = mayPass(method, resource.path);
    if (method === "GET") app.on(method, path, pass, route);
    else app.on(method, path, pass, audited(method, resource.path, audit), route);
  }
  app.all(path, notAllowed(resource));
}

/** GET reads; the other methods change something. */
function mayPass(method: Method, path: string): MiddlewareHandler<HttpEnv> {
  const rule = ruleOf(method, path);
  return (c, next) => {
    const access = c.get("access");
    if (method !== "GET") {
      refuseChangeByPage(c.env.incoming.headers);
      refuseStranger(access);
    }
    expectPermission(access, rule, idOf(c));
    return next();
  };
}

function audited(method: Method, path: string, audit: AuditLog): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    await next();
    const change = changeOf(c, method, path);
    if (change !== null) audit.changed(c.get("access").client, change);
  };
}

/** Who is not known may change something only from this machine. */
function refuseStranger({ client, isKnown }: Access): void {
  if (isKnown || isLoopback(client.remoteAddress)) return;
  const todo = "use a listener with SASL or client certificates";
  throw new HttpError(403, `without a log-in, changes are limited to loopback: ${todo}`);
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
