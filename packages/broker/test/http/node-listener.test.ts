import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { answer, type FetchApp, type NodeBindings } from "../../src/http/node-listener.ts";

/** Calls `use` with the URL of a server that answers with `app`. */
async function served<T>(app: FetchApp["fetch"], use: (url: string) => Promise<T>): Promise<T> {
  const headers = () => ({ "x-beside": "1" });
  const server = createServer((incoming, outgoing) => {
    const client = null as unknown as NodeBindings["client"];
    answer({ fetch: app }, { incoming, client }, outgoing, headers).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("sends a Response of fetch unchanged", async () => {
  const app = () => new Response("ü", { status: 201, headers: { "x-own": "2" } });
  await served(app, async (url) => {
    const got = await fetch(url);
    expect([got.status, await got.text()]).toEqual([201, "ü"]);
    const names = ["x-own", "x-beside", "content-length", "content-type"];
    expect(names.map((name) => got.headers.get(name))).toEqual([
      ...["2", "1", "2"],
      "text/plain;charset=UTF-8",
    ]);
  });
});

test("passes the request on to the app", async () => {
  const app = async (request: Request) => {
    const { method, url, headers } = request;
    return Response.json([method, url, headers.get("X-Two"), await request.text()]);
  };
  const asked = await served(app, async (url) => {
    const headers = [
      ["x-two", "a"],
      ["x-two", "b"],
    ] as [string, string][];
    return (await fetch(`${url}/a?b=c`, { method: "POST", body: "ü", headers })).json();
  });
  expect(asked).toEqual(["POST", "http://localhost/a?b=c", "a, b", "ü"]);
});

test("answers HEAD like GET, without the body", async () => {
  const app = ({ method }: Request) => new Response(method);
  await served(app, async (url) => {
    const got = await fetch(url, { method: "HEAD" });
    expect([got.headers.get("content-length"), await got.text()]).toEqual(["3", ""]);
  });
});

test("ends the connection if the app fails", async () => {
  const app = () => Promise.reject(new Error("a bug"));
  await served(app, async (url) => {
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });
});
