import { describe, expect, test } from "vitest";
import type { BrokerRemoval, MembersAdmin } from "../../src/admin/members-admin.ts";
import { METHODS } from "../../src/http/resource.ts";
import { ROUTE_PERMISSIONS, ruleOf } from "../../src/http/route-permissions.ts";
import { resourcesOf } from "../../src/http/routes.ts";
import type { Authorizer } from "../../src/security/authorizer.ts";
import { ask, FakeBroker, serveHttp } from "./fake-broker.ts";

/** Allows only what is listed, as `describe group g`. */
function allowing(...allowed: readonly string[]): Authorizer {
  return {
    hasAcls: true,
    allows: (_client, operation, type, name) => allowed.includes(`${operation} ${type} ${name}`),
    allowsAny: () => false,
  };
}

const RESET = { topic: "orders", to: "earliest" };

/** A request of each route that takes a permission, and the permissions that suffice. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  "GET /cluster/status": ["describe cluster kafka-cluster"],
  "GET /metrics": ["describe cluster kafka-cluster"],
  "GET /api/v1/groups/g": ["describe group g"],
  "DELETE /api/v1/groups/g": ["delete group g"],
  "POST /api/v1/groups/g/offsets": ["read group g", "read topic orders"],
  "GET /api/v1/delayed": ["read topic __delayed"],
  "DELETE /api/v1/delayed?id=a": ["write topic __delayed"],
  "POST /api/v1/delayed?id=a": ["write topic __delayed"],
  "DELETE /api/v1/delayed/a": ["write topic __delayed"],
  "POST /api/v1/delayed/a/deliver": ["write topic __delayed"],
  "GET /api/v1/half-messages": ["read topic __half_messages"],
  "POST /api/v1/half-messages?group=g&id=a&resolution=commit": ["write topic __half_messages"],
  "GET /api/v1/brokers": ["describe cluster kafka-cluster"],
  "DELETE /api/v1/brokers/4": ["alter cluster kafka-cluster"],
};

const group = { groupId: "g", kind: "classic", state: "Empty", protocolType: "consumer" } as const;
const offset = { partition: 0, committedOffset: 1, endOffset: 2, lag: 1 };

function newBroker(authorizer: Authorizer): FakeBroker {
  const broker = new FakeBroker();
  broker.authorizer = authorizer;
  broker.members = {
    partitions: async () => [],
    underReplicated: 0,
    remove: async (): Promise<BrokerRemoval> => ({ partitionsLeft: 0, done: true, message: null }),
  } satisfies MembersAdmin;
  Object.assign(broker.groups, {
    list: async () => ["g", "h"].map((groupId) => ({ ...group, groupId, memberCount: 0 })),
    describe: async () => ({
      ...{ ...group, memberCount: 1 },
      members: [
        {
          ...{ memberId: "m", instanceId: null, clientId: "c", clientHost: "/::1" },
          assignment: ["orders", "secret"].map((topic) => ({ topic, partitions: [0] })),
        },
      ],
      offsets: ["orders", "secret"].map((topic) => ({ topic, ...offset })),
    }),
    delete: async () => {},
    resetOffsets: async () => [],
  });
  const waiting = ["orders", "secret"].map((topic) => {
    return { id: topic, topic, partition: null, deliverAt: 1, sizeBytes: 1 };
  });
  Object.assign(broker.delayed, {
    list: async () => waiting,
    cancel: async () => {},
    deliver: async () => {},
  });
  Object.assign(broker.halfMessages, { list: async () => waiting, resolve: async () => {} });
  return broker;
}

async function answerTo(broker: FakeBroker, route: string) {
  await using served = await serveHttp(broker);
  const [method = "", path = ""] = route.split(" ");
  const body = path.endsWith("/offsets") ? JSON.stringify(RESET) : "";
  const headers = body === "" ? {} : { "content-type": "application/json" };
  return await ask(served, path, { method, body, headers });
}

describe("every route", () => {
  test("has a row in the table of permissions, and every row has a route", () => {
    const routes = resourcesOf(newBroker(allowing())).flatMap((resource) =>
      METHODS.filter((method) => resource[method]).map((method) => `${method} ${resource.path}`),
    );
    expect(routes.toSorted()).toEqual(Object.keys(ROUTE_PERMISSIONS).toSorted());
    expect(() => ruleOf("DELETE", "/health")).toThrow("DELETE /health is not in ROUTE_PERMISSIONS");
  });

  test("that takes a permission is tested below", () => {
    const tested = Object.keys(TAKES).map((route) => {
      const pattern = route.split("?")[0]!;
      return pattern.replace(/\/(g|a|4)(?=\/|$)/, "/:id");
    });
    const rows = Object.entries(ROUTE_PERMISSIONS).filter(([, rule]) => typeof rule !== "string");
    expect(tested.toSorted()).toEqual(rows.map(([route]) => route).toSorted());
  });
});

test.each(Object.entries(TAKES))("%s takes %j", async (route, needed) => {
  expect((await answerTo(newBroker(allowing(...needed)), route)).status).toBe(200);
  for (const missing of needed) {
    const rest = needed.filter((one) => one !== missing);
    const broker = newBroker(allowing(...rest));
    const { status, text } = await answerTo(broker, route);
    expect([missing, status]).toEqual([missing, 403]);
    const [operation, type, name] = missing.split(" ");
    const of = type === "cluster" ? "the cluster" : `the ${type} ${name}`;
    const error = `this takes the permission ${operation} on ${of}`;
    expect(JSON.parse(text)).toEqual({ error });
  }
});

describe("what may not be seen is left out", () => {
  const get = async (route: string, ...allowed: readonly string[]) =>
    JSON.parse((await answerTo(newBroker(allowing(...allowed)), `GET ${route}`)).text);

  test("of the list of groups", async () => {
    const ids = async (...allowed: readonly string[]) => {
      const { groups } = await get("/api/v1/groups", ...allowed);
      return groups.map(({ groupId }: { groupId: string }) => groupId);
    };
    expect(await ids()).toEqual([]);
    expect(await ids("describe group h")).toEqual(["h"]);
    expect(await ids("describe cluster kafka-cluster")).toEqual(["g", "h"]);
  });

  test("of a group's topics", async () => {
    const { members, offsets } = await get(
      "/api/v1/groups/g",
      "describe group g",
      "describe topic orders",
    );
    expect(members[0].assignment).toEqual([{ topic: "orders", partitions: [0] }]);
    expect(offsets).toEqual([{ topic: "orders", ...offset }]);
  });

  test.each(["delayed", "half-messages"])("of the list of %s", async (kind) => {
    const read = `read topic __${kind.replace("-", "_")}`;
    const { messages } = await get(`/api/v1/${kind}`, read, "describe topic orders");
    expect(messages.map(({ topic }: { topic: string }) => topic)).toEqual(["orders"]);
  });

  test("of the answer of /ready", async () => {
    for (const [allowed, reasons] of [
      [[], undefined],
      [["describe cluster kafka-cluster"], ["orders-1: EIO"]],
    ] as const) {
      const broker = newBroker(allowing(...allowed));
      broker.reasons = ["orders-1: EIO"];
      const { status, text } = await answerTo(broker, "GET /ready");
      expect([status, JSON.parse(text)]).toEqual([503, { status: "not ready", reasons }]);
    }
  });
});
