import { expect, it } from "vitest";
import { refusalIn } from "../../src/nats/refusal-line.ts";
import { Refusals } from "../../src/nats/refusals.ts";
import { testEnv } from "../env/test-env.ts";
import { recordingLogger } from "./own-engine.ts";

const line = (address: string, message: string) =>
  `[42] 2026/11/29 15:53:20.100000 [ERR] ${address} - rid:5 - ${message}`;
const WRONG_PASSWORD = 'authentication error - User "tarpan"';

it.each([
  ["TLS route handshake error: remote error: tls: bad certificate", "them", /^certificate \(bad/],
  [
    "TLS route handshake error: tls: failed to verify certificate: x509: certificate has expired " +
      "or is not yet valid: current time 2026-11-29 is after 2026-11-28 (CN=old SHA-256: ab)",
    "us",
    /^its certificate: certificate has expired .*CN=old/,
  ],
  [
    "TLS route handshake error: tls: client didn't provide a certificate",
    "us",
    /has no certificate of an authority in cluster_tls_ca_file$/,
  ],
  [
    "TLS route handshake error: tls: first record does not look like a TLS handshake",
    "us",
    /^one side uses TLS/,
  ],
  ["TLS handshake timeout", "us", /^no TLS handshake within 5 s/],
  [WRONG_PASSWORD, "us", /^its password is wrong or missing/],
  ["Route Error 'Authorization Violation'", "them", /^password \(cluster_password_file\)$/],
])("the log line %s", (message, by, why) => {
  const address = "10.0.0.2:7001";
  const found = refusalIn(line(address, message));
  expect(found).toMatchObject({ address, by, why: expect.stringMatching(why) });
});

it("other lines are no refusals", () => {
  expect(refusalIn(line("10.0.0.2:7001", "TLS route handshake error: EOF"))).toBeNull();
  expect(refusalIn("[42] 2026/11/29 [ERR] Error trying to connect to route: refused")).toBeNull();
  expect(refusalIn("[42] 2026/11/29 [INF] 10.0.0.2:7001 - rid:5 - Route connection")).toBeNull();
});

async function watched(before = "") {
  const env = testEnv();
  const logger = recordingLogger();
  let text = before;
  const write = async (...lines: string[]) => {
    text += lines.map((one) => `${one}\n`).join("");
    const file = await env.fs.open("/nats/nats-server.log", { create: true });
    await file.truncate(0);
    await file.write([new TextEncoder().encode(text)], 0);
    await file.close();
  };
  await env.fs.makeDirectory("/nats");
  if (before !== "") await write();
  const peers = () => ["10.0.0.2:7001"];
  const refusals = await Refusals.open({ directory: "/nats", env, logger, peers });
  const beginAnew = () => {
    text = "";
  };
  return { env, logger, refusals, write, beginAnew };
}

it("what the log held before is not told, and what comes is told once a minute", async () => {
  const before = `${line("10.9.9.9:7001", WRONG_PASSWORD)}\n`;
  const { env, logger, refusals, write } = await watched(before);
  await refusals.look();
  expect(logger.lines).toEqual([]);
  await write(line("10.0.0.7:40001", WRONG_PASSWORD), line("10.0.0.7:40002", WRONG_PASSWORD));
  await refusals.look();
  const told =
    "refused a connection with 10.0.0.7: its password is wrong or missing (cluster_password_file)";
  expect(logger.lines).toEqual([`raft: ${told}`]);
  expect(refusals.counts).toEqual({ us: 2, them: 0 });
  expect(refusals.lasting).toEqual([told]);
  await env.time.advance(61_000);
  expect(refusals.lasting).toEqual([]);
  expect(logger.lines.slice(1)).toEqual([`raft: ${told} (1 more like this)`]);
  await write(line("10.0.0.2:7001", "Route Error 'Authorization Violation'"));
  await refusals.look();
  expect(refusals.counts).toEqual({ us: 2, them: 1 });
  expect(logger.lines.at(-1)).toContain("10.0.0.2:7001 refuses this broker's password");
});

it("a log that nats-server has begun anew is read from its start", async () => {
  const { logger, refusals, write, beginAnew } = await watched("x".repeat(1000));
  beginAnew();
  await write(line("10.0.0.7:40001", WRONG_PASSWORD));
  await refusals.look();
  expect(logger.lines).toHaveLength(1);
});

it("strangers can't flood the log or the memory, nor write lines of their own", async () => {
  const { logger, refusals, write } = await watched();
  const many = Array.from({ length: 2000 }, (_, n) => `10.0.${n >> 8}.${n & 255}:4000`);
  await write(...many.map((address) => line(address, WRONG_PASSWORD)));
  await refusals.look();
  expect(refusals.counts.us).toBe(2000);
  expect(refusals.lasting).toHaveLength(100);
  expect(logger.lines).toHaveLength(101);
  const names = Array.from({ length: 50 }, (_, n) => `unknown authority (CN=${n}\u001b[2J)`);
  const prefix = "TLS route handshake error: tls: failed to verify certificate: x509:";
  await write(...names.map((name) => line("10.9.9.9:4000", `${prefix} ${name}`)));
  await refusals.look();
  expect(logger.lines).toHaveLength(101);
  expect(refusals.lasting.at(-1)).toContain("unknown authority (CN=49?[2J)");
});
