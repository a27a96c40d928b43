import { describe, expect, test } from "vitest";
import { printedSeed, SeededRandom } from "../../../../test/harness/random.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { ask, FakeBroker, serveHttp } from "./fake-broker.ts";
import { asked, sendRaw } from "./raw-http.ts";

const ROUNDS = process.env.TARPAN_CHAOS === "1" ? 20_000 : 300;

describe("DNS rebinding", () => {
  test.each([
    "localhost",
    "LOCALHOST:9092",
    "localhost.",
    "127.0.0.1:9092",
    "[::1]:9092",
    "[::ffff:7f00:1]",
    "broker1:9092",
    "tarpan-0.tarpan.kafka.svc.cluster.local:9092",
    "broker.example:9092",
    "tarpan.kafka-prod:9092",
    "tarpan.shop_default",
    "tarpan.team7:9092",
    "broker.home.arpa",
  ])("a client may ask %s", async (host) => {
    await using served = await serveHttp(new FakeBroker());
    expect((await asked(served.listener.ports[0]!, "GET /metrics", { host })).status).toBe(200);
  });

  test.each([
    "evil.example",
    "evil.example:9092",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "[::1].evil.example",
    "evil.example:9092:9092",
    "evil.example#.local",
    "evil.example#.a-b",
    "tarpan.dev",
    "evil.xn--p1ai",
    "",
    ".",
  ])("nobody is told anything by the name %j", async (host) => {
    const broker = new FakeBroker();
    broker.reasons = ["secret"];
    await using served = await serveHttp(broker);
    const port = served.listener.ports[0]!;
    const { status, text } = await asked(port, "GET /metrics", { host });
    expect([status, text.includes("http_hosts")]).toEqual([421, true]);
    expect((await asked(port, "DELETE /api/v1/groups/g", { host })).status).toBe(421);
    // A probe may come by any name.
    expect((await asked(port, "GET /health", { host })).status).toBe(200);
    const ready = await asked(port, "GET /ready", { host });
    expect([ready.status, ready.text.includes("secret")]).toEqual([503, false]);
  });

  test("a broker has the names of its configs", async () => {
    await using at = await startOnRealPorts({
      listeners: "PLAINTEXT://127.0.0.1:0",
      "advertised.listeners": "PLAINTEXT://Queue.Example.com:9092",
    });
    const status = async (host: string) =>
      (await asked(at.port(0), "GET /metrics", { host })).status;
    expect(await status("queue.example.com:80")).toBe(200);
    expect(await status("other.example.com")).toBe(421);
  });

  test("the answer and the log, once, have the setting that lets a name in", async () => {
    await using at = await startOnRealPorts({});
    const asks = (host: string) => asked(at.port(0), "GET /metrics", { host });
    const setting = '"http_hosts: tarpan.dev" (or TARPAN_HTTP_HOSTS=tarpan.dev)';
    for (let i = 0; i < 3; i++) {
      const { status, text } = await asks("tarpan.dev:9092");
      expect([status, JSON.parse(text.slice(text.indexOf("{"))).error]).toEqual([
        421,
        expect.stringContaining(setting),
      ]);
    }
    expect(at.log.filter((line) => line.includes(setting))).toHaveLength(1);
    // What is no name is repeated nowhere.
    const strange = await asks("<script>.example");
    expect([strange.status, strange.text.includes("script")]).toEqual([421, false]);
  });
});

describe("web pages", () => {
  const page = { origin: "https://evil.example" };
  const site = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };

  test.each([page, site, { origin: "null" }, { origin: "http://localhost" }])(
    "with %j can't change anything",
    async (headers) => {
      await using served = await serveHttp(new FakeBroker());
      for (const method of ["DELETE", "POST"]) {
        const path = "/api/v1/delayed?id=a";
        const { status, text } = await ask(served, path, { method, headers });
        expect([status, JSON.parse(text).error]).toEqual([403, "web pages can't change anything"]);
      }
    },
  );

  test("of another site can't read, but a link to this broker works", async () => {
    await using served = await serveHttp(new FakeBroker());
    const status = async (headers: Record<string, string>) =>
      (await ask(served, "/cluster/status", { headers })).status;
    expect(await status(site)).toBe(403);
    expect(await status({ ...site, "sec-fetch-site": "same-site" })).toBe(403);
    expect(await status({ ...site, "sec-fetch-mode": "navigate" })).toBe(200);
    expect(await status({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" })).toBe(200);
  });

  test("get every answer with headers that keep a browser from doing more", async () => {
    await using served = await serveHttp(new FakeBroker());
    for (const path of ["/health", "/metrics", "/nowhere", "/api/v1/groups/%zz"]) {
      const { headers } = await ask(served, path);
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
      });
      const told = ["strict-transport-security", "access-control-allow-origin", "server"];
      expect(told.filter((name) => name in headers)).toEqual([]);
    }
  });
});

describe("request smuggling", () => {
  const HEAD = "GET /health HTTP/1.1\r\nHost: a\r\n";
  const POST = "POST /api/v1/delayed?id=a HTTP/1.1\r\nHost: a\r\n";

  test.each([
    ["two lengths", `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`],
    [
      "a length and chunks",
      `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["chunks that are not last", `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
    ["an unknown encoding", `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a signed length", `${POST}Content-Length: +1\r\n\r\nx`],
    ["a space before the colon", `${POST}Content-Length : 1\r\n\r\nx`],
    ["a folded header", `${HEAD}X: a\r\n b\r\n\r\n`],
    ["lines without a carriage return", "GET /health HTTP/1.1\nHost: a\n\n"],
    ["a zero byte in a header", `${HEAD}X: a\0b\r\n\r\n`],
    ["two hosts", `${HEAD}Host: b\r\nConnection: close\r\n\r\n`],
    [
      "two log-ins",
      `${HEAD}Authorization: Basic YTpi\r\nauthorization: Basic YTpj\r\nConnection: close\r\n\r\n`,
    ],
    ["no host", "GET /health HTTP/1.1\r\n\r\n"],
    ["a chunk size that is none", `${POST}Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n`],
    ["another version", "GET /health HTTP/3.7\r\nHost: a\r\n\r\n"],
  ])("%s", async (_what, bytes) => {
    const broker = new FakeBroker();
    broker.delayed.deliver = async () => {};
    await using served = await serveHttp(broker);
    const second = `DELETE /api/v1/delayed?id=b HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { text } = await sendRaw(served.listener.ports[0]!, bytes + second);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    // A POST may be answered before its body is found wrong: its connection then ends.
    expect(statuses.at(-1)).toBe("400");
    expect(statuses.filter((status) => status === "200")).toHaveLength(0);
  });

  test("a connection that asks for more than it reads ends", async () => {
    const broker = new FakeBroker();
    broker.groups.list = () => new Promise(() => {});
    await using served = await serveHttp(broker);
    const one = "GET /api/v1/groups HTTP/1.1\r\nHost: a\r\n\r\n";
    const { text } = await sendRaw(served.listener.ports[0]!, one.repeat(100));
    expect(text).toBe("");
  });
});

describe("paths", () => {
  test.each([
    "//health",
    "/health/",
    "/HEALTH",
    "/%68ealth",
    "/./health",
    "/api/v1/../../health",
    "/health%00",
    "/health;a=b",
    "http://evil.example/health",
    "/api/v1/groups/a/../../delayed",
    "/api/v1/groups/a/offsets/",
    "*",
  ])("%s is not found", async (path) => {
    await using served = await serveHttp(new FakeBroker());
    const { status } = await asked(served.listener.ports[0]!, `GET ${path}`);
    expect(status).toBe(404);
  });

  test("a query or a dot segment does not make a path open", async () => {
    await using at = await startOnRealPorts({
      listeners: "SASL_PLAINTEXT://127.0.0.1:0",
      "sasl.enabled.mechanisms": "PLAIN",
    });
    for (const path of ["/metrics?/health", "/health/../metrics", "/metrics#/health", "/ready/"]) {
      expect([path, (await asked(at.port(0), `GET ${path}`)).status]).toEqual([path, 401]);
    }
    expect((await asked(at.port(0), "GET /health?x=/metrics")).status).toBe(200);
  });
});

describe("methods", () => {
  test.each(["TRACE", "CONNECT", "PROPFIND", "TRACK"])("%s gets no answer", async (method) => {
    await using served = await serveHttp(new FakeBroker());
    const { text } = await asked(served.listener.ports[0]!, `${method} /health`);
    expect(text).toBe("");
  });

  test("TRACE as a later request is not answered with what was sent", async () => {
    await using served = await serveHttp(new FakeBroker());
    const first = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    const trace = "TRACE /health HTTP/1.1\r\nHost: a\r\nX-Secret: s\r\nConnection: close\r\n\r\n";
    const { text } = await sendRaw(served.listener.ports[0]!, first + trace);
    expect([text.includes("405"), text.includes("X-Secret")]).toEqual([true, false]);
  });
});

test("no request without a log-in comes through, and none is a bug", {
  timeout: 600_000,
}, async () => {
  await using at = await startOnRealPorts({
    listeners: "SASL_PLAINTEXT://127.0.0.1:0",
    "sasl.enabled.mechanisms": "PLAIN",
    "connection.failed.authentication.delay.ms": "0",
  });
  const random = new SeededRandom(printedSeed("HTTP without a log-in"));
  const parts = [
    ...["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", " ", "\t", "\r\n", "\n", "\0", ":"],
    ...["/health", "/metrics", "/api/v1/groups", "/cluster/status", "/api/v1/delayed", "/", ".."],
    ...["?id=a", "%2e%2e", "%00", "%zz", "#", ";", "//", "\\", "@", "HTTP/1.1", "HTTP/1.0"],
    ...["\r\nHost: a", "\r\nAuthorization: Basic ", "\r\nAuthorization: Bearer ", "YTpi", "==="],
    ...["\r\nContent-Length: 5", "\r\nTransfer-Encoding: chunked", "\r\nExpect: 100-continue"],
    ...["\r\nConnection: upgrade\r\nUpgrade: h2c", "\r\nOrigin: null", "\r\nX: ", "a", "ü", "\xff"],
  ];
  const pick = () => random.pick(parts);
  for (let round = 0; round < ROUNDS; round++) {
    const method = ["GET", "POST", "DELETE", "HEAD"][round % 4]!;
    const tail = Array.from({ length: random.below(12) }, pick).join("");
    const path = `${pick()}${pick()}`.replaceAll(/[\s\0]/g, "");
    const bytes = `${method} /${path} HTTP/1.1\r\nHost: a${tail}\r\nConnection: close\r\n\r\n`;
    const { text } = await sendRaw(at.port(0), Buffer.from(`${bytes}\r\n\r\n`, "latin1"));
    for (const [, status = ""] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
      const told = text.includes('"status": "') || method === "HEAD";
      const isOpen = status === "200" && told;
      const isFine = isOpen || ["100", "400", "401", "405", "417", "431"].includes(status);
      expect([bytes, status, isFine]).toEqual([bytes, status, true]);
    }
    expect(text).not.toMatch(/clusterId|tarpan_|"groups"|"messages"| at .*\.ts/);
  }
  expect(at.log.filter((line) => line.startsWith("error"))).toEqual([]);
});
