import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type ClientCredentialsOptions, oauthClientCredentials } from "../src/index.ts";

interface Asked {
  readonly authorization: string;
  readonly body: string;
}

type Answer = (
  asked: Asked,
  count: number,
) => { status?: number; body?: unknown; location?: string };

/** A token endpoint. */
class Endpoint implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server = createServer(async (request, response) => {
    const asked = { authorization: authorizationOf(request), body: await textOf(request) };
    this.asked.push(asked);
    const { status = 200, body = {}, location } = this.#answer(asked, this.asked.length);
    if (location !== undefined) response.setHeader("location", location);
    response.statusCode = status;
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  readonly #answer: Answer;

  private constructor(answer: Answer) {
    this.#answer = answer;
  }

  static async start(answer: Answer): Promise<Endpoint> {
    const endpoint = new Endpoint(answer);
    await new Promise<void>((resolve) => endpoint.#server.listen(0, "127.0.0.1", resolve));
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  provider(more: Partial<ClientCredentialsOptions> = {}) {
    const named = { clientId: "me", clientSecret: "s:+/ ecret" };
    return oauthClientCredentials({ tokenEndpointUrl: this.url, ...named, ...more });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const authorizationOf = ({ headers }: IncomingMessage) =>
  Buffer.from(headers.authorization!.replace("Basic ", ""), "base64").toString();

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

afterEach(() => void vi.useRealTimers());

test("asks as OAuth has it, and keeps the token for 80 % of its lifetime", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  await using at = await Endpoint.start((_asked, count) => {
    return { body: { access_token: `token${count}`, token_type: "bearer", expires_in: 100 } };
  });
  const provider = at.provider({ scope: "read write" });
  expect(await Promise.all([provider(), provider()])).toEqual(Array(2).fill({ value: "token1" }));
  expect(at.asked).toEqual([
    { authorization: "me:s:+/ ecret", body: "grant_type=client_credentials&scope=read+write" },
  ]);
  vi.advanceTimersByTime(79_900);
  expect(await provider()).toEqual({ value: "token1" });
  vi.advanceTimersByTime(200);
  expect(await provider()).toEqual({ value: "token2" });
});

test("takes an id token, and its own end", async () => {
  const exp = Math.floor(Date.now() / 1_000) + 100;
  const token = `x.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.x`;
  await using at = await Endpoint.start(() => ({ body: { id_token: token } }));
  const provider = at.provider();
  await provider();
  expect(await provider()).toEqual({ value: token });
  expect(at.asked).toHaveLength(1);
});

test("asks each time for a token that has no known end", async () => {
  await using at = await Endpoint.start(() => ({ body: { access_token: "opaque" } }));
  const provider = at.provider({ headerUrlEncode: true });
  await provider();
  await provider();
  expect(at.asked.map(({ authorization }) => authorization)).toEqual(
    Array(2).fill("me:s%3A%2B%2F%20ecret"),
  );
});

test("tries again while the endpoint has trouble", async () => {
  await using at = await Endpoint.start((_asked, count) => {
    if (count === 1) return { status: 503 };
    return { body: count === 2 ? "<html>" : { access_token: "token" } };
  });
  expect(await at.provider()()).toEqual({ value: "token" });
});

test.each<[string, Answer, Partial<ClientCredentialsOptions>, RegExp, boolean]>([
  [
    "refuses the client",
    () => ({ status: 401, body: { error: "invalid_client", error_description: "who?" } }),
    {},
    /answers with status 401: invalid_client: who\?$/,
    false,
  ],
  ["has trouble", () => ({ status: 500, body: "x" }), { timeoutMs: 50 }, /status 500$/, true],
  ["has no token", () => ({ body: {} }), { timeoutMs: 50 }, /answers without a token/, true],
  [
    "sends the secret elsewhere",
    () => ({ status: 307, location: "http://127.0.0.1:1/" }),
    { timeoutMs: 50 },
    /can't be reached: unexpected redirect/,
    true,
  ],
])("says why when the endpoint %s", async (_what, answer, more, why, retriable) => {
  await using at = await Endpoint.start(answer);
  const failure = await at
    .provider(more)()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "TARPAN_SASL", retriable });
  expect(String(failure)).toMatch(why);
  expect(String(failure)).not.toContain("s:+");
});

test("says that the endpoint can't be reached", async () => {
  const provider = oauthClientCredentials({
    ...{ tokenEndpointUrl: "http://127.0.0.1:1/token", clientId: "me", clientSecret: "s" },
    timeoutMs: 50,
  });
  await expect(provider()).rejects.toThrow(/the token endpoint can't be reached/);
});

test.each<[object, string]>([
  [{ clientSecret: 7 }, "clientSecret must be a string that is not empty"],
  [{ tokenEndpointUrl: "file:///x" }, "must be a URL with https: or http:"],
  [{ tokenEndpointUrl: "https://me:pw@a/b" }, "must not contain a user or a password"],
  [{ clientId: "" }, "clientId must be"],
  [{ scopes: "x" }, "there is no option scopes; did you mean scope?"],
])("%j is refused", (options, why) => {
  const given = { tokenEndpointUrl: "https://a/b", clientId: "a", clientSecret: "b", ...options };
  expect(() => oauthClientCredentials(given as never)).toThrow(why);
});
