// What takes real time. `npm run chaos` runs all of it.
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import {
  MAX_HTTP_CONNECTIONS,
  REQUEST_TIMEOUT_MS,
  TIMEOUT_CHECK_INTERVAL_MS,
} from "../../src/http/limits.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { asked, basicAuth } from "./raw-http.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const LOG_INS = isLong ? 5_000 : 200;
const AT_A_TIME = 100;

/** Sends `more` each half second until the broker ends the connection. */
async function drip(port: number, first: string, more: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("error", () => {});
  socket.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  socket.write(first);
  const timer = setInterval(() => socket.write(more), 500);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(timer);
  return text;
}

test("requests that never end are ended", { timeout: 2 * REQUEST_TIMEOUT_MS }, async (context) => {
  if (!isLong) return context.skip("npm run chaos only: it takes half a minute");
  await using at = await startOnRealPorts({ listeners: "PLAINTEXT://127.0.0.1:0" });
  const post =
    "POST /api/v1/groups/g/offsets HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
  const startedMs = performance.now();
  const answers = await Promise.all([
    drip(at.port(0), "GET /health HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"),
    drip(at.port(0), `${post}Content-Length: 60000\r\n\r\n`, "x"),
  ]);
  const most = REQUEST_TIMEOUT_MS + 5 * TIMEOUT_CHECK_INTERVAL_MS;
  expect(performance.now() - startedMs).toBeLessThan(most);
  for (const text of answers) expect(text).toMatch(/^HTTP\/1\.1 408 /);
});

test("the oldest connection of HTTP makes room when there are too many", async () => {
  await using at = await startOnRealPorts({ listeners: "PLAINTEXT://127.0.0.1:0" });
  const begun = () => {
    const socket = connect(at.port(0), "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write("GET /health HTTP/1.1\r\n");
    return socket;
  };
  const first = begun();
  const closed = once(first, "close");
  const others = Array.from({ length: MAX_HTTP_CONNECTIONS }, begun);
  await closed;
  const { status } = await asked(at.port(0), "GET /health");
  expect(status).toBe(200);
  const { connectionsFailed } = at.listener.stats;
  expect(connectionsFailed["too-many-http-connections"]).toBeGreaterThan(0);
  expect(others.filter((socket) => socket.closed).length).toBeLessThan(5);
  for (const socket of others) socket.destroy();
});

test("wrong passwords by the hundred are refused, counted, and let others log in", async () => {
  await using at = await startOnRealPorts({
    listeners: "USERS://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
    "listener.name.users.plain.sasl.jaas.config":
      'org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="a";',
    "connection.failed.authentication.delay.ms": "1",
  });
  for (let done = 0; done < LOG_INS; done += AT_A_TIME) {
    const wrong = Array.from({ length: AT_A_TIME }, (_, i) =>
      asked(at.port(0), "GET /metrics", basicAuth(`user${i}`, "wrong")),
    );
    const right = asked(at.port(0), "GET /cluster/status", basicAuth("admin", "a"));
    const statuses = new Set((await Promise.all(wrong)).map(({ status }) => status));
    expect([[...statuses], (await right).status]).toEqual([[401], 200]);
  }
  expect(at.listener.stats.connectionsFailed.authentication).toBe(LOG_INS);
  // A warning for each address and minute, not for each of them.
  expect(at.log.filter((line) => line.includes("HTTP Basic")).length).toBeLessThan(5);
});
