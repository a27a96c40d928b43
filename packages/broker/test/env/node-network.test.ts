import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { nodeNetwork } from "../../src/env/node-network.ts";
import { TestAuthority } from "../tls/certificates.ts";

const LIMITS = { timeoutMs: 5_000, maxBytes: 100 };

async function get(
  listener: RequestListener,
  { timeoutMs = LIMITS.timeoutMs, signal = new AbortController().signal } = {},
) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    return await nodeNetwork.get(url, { ...LIMITS, timeoutMs }, signal);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a text is fetched, with its status", async () => {
  const answer = await get((_request, response) => {
    response.statusCode = 404;
    response.write("gré");
    response.end("ß");
  });
  expect(answer).toEqual({ status: 404, body: "gréß" });
});

test.each<[string, RequestListener, RegExp]>([
  ["is too long", (_, response) => void response.end("x".repeat(101)), /longer than 100 bytes/],
  ["is somewhere else", (_, response) => void response.writeHead(302, TO).end(), /redirect/],
  [
    "is cut off",
    (_, response) => void response.write("x", () => response.destroy()),
    /terminated|socket|aborted/i,
  ],
])("a text that %s is refused", async (_what, listener, why) => {
  await expect(get(listener)).rejects.toThrow(why);
});

const TO = { location: "http://127.0.0.1:1/" };

test("a server that hangs, before or amid its answer, is given up", async () => {
  await expect(get(() => {}, { timeoutMs: 50 })).rejects.toThrow(/timeout/);
  const hangs: RequestListener = (_, response) => void response.write("x");
  await expect(get(hangs, { timeoutMs: 50 })).rejects.toThrow(/timeout/);
});

test("a stop ends the wait", async () => {
  const stop = new AbortController();
  await expect(get(() => stop.abort(), { signal: stop.signal })).rejects.toThrow(/aborted/);
});

test("a body is not sent on to another place", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const posting = nodeNetwork.post(url, { password: "secret" }, LIMITS);
    await expect(posting).rejects.toThrow(/redirect/);
    expect(asked).toEqual(["/"]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.each(["http", "https"])("a long answer to what is sent by %s is not read", async (scheme) => {
  const authority = new TestAuthority();
  const { certificate: cert, key } = authority.broker();
  let closed: Promise<unknown> = Promise.resolve();
  const listener: RequestListener = (request, response) => {
    if (request.url === "/short") return void response.end("gré");
    closed = new Promise((resolve) => response.once("close", resolve));
    const more = () => {
      while (response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  };
  const isPlain = scheme === "http";
  const server = isPlain ? createServer(listener) : createSecureServer({ cert, key }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (path: string) =>
    nodeNetwork.post(`${url}${path}`, {}, { ...LIMITS, tls: { ca: authority.certificate } });
  try {
    expect(await post("/short")).toEqual({ status: 200, body: "gré" });
    await expect(post("/long")).rejects.toThrow(/longer than 100 bytes/);
    await closed;
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
