import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ApiVersions, apiOf, Metadata } from "@tarpan/protocol";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import { authenticatePlain } from "../../packages/broker/test/sasl/sasl-client.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic } from "../harness/records.ts";
import {
  ADMIN,
  ADMIN_PASSWORD,
  type SecuredBroker,
  securedBroker,
} from "../harness/secured-broker.ts";
import { within } from "../harness/within.ts";
import { ask, damagedTls, LAST_CORRELATION_ID, someFrames, someHttp } from "./strangers.ts";

// Clients who are nobody: what they send before they log in, whole and damaged, as frames, as
// tokens of each mechanism, as records of TLS and as HTTP. `npm run chaos` sends two million.

const FRAMES = Number(process.env.TARPAN_FUZZ_FRAMES ?? 2_000);
/** How long what may never be whole is waited for. */
const DAMAGED_MS = 300;
const HANG_MS = 20_000;
const MEBIBYTE = 1024 * 1024;
const GROWTH_LIMIT_BYTES = 150 * MEBIBYTE;
const HIDDEN = "hidden-from-strangers";

let at: SecuredBroker;
let clusterId = "";

beforeAll(async () => {
  at = await securedBroker();
  await at.broker.start();
  const open = await RawConnection.open(at.open);
  await createTopic(open, HIDDEN);
  ({ clusterId } = (await open.request(Metadata, 12, { topics: [] })) as { clusterId: string });
  open.close();
});

afterEach(() => expect(at.broker.bugs, at.broker.output).toEqual([]));
afterAll(() => at?.broker.kill9());

it(
  `${FRAMES} frames of strangers: nobody gets in, learns anything or does harm`,
  async () => {
    const random = new SeededRandom(printedSeed("frames of strangers"));
    const open = await RawConnection.open(at.open);
    const { apiKeys } = await open.request(ApiVersions, 0, {});
    open.close();
    const apis = apiKeys.map(({ apiKey }) => apiOf(apiKey)!);
    const sent = { left: FRAMES, connections: 0, answered: 0, bytes: 0 };
    const attack = async (once: () => Promise<Buffer>, frames: () => number) => {
      while (sent.left > 0) {
        const answer = await within(HANG_MS, "a stranger's connection", once());
        sent.left -= frames();
        sent.connections++;
        sent.bytes += answer.length;
        if (answer.length > 0) sent.answered++;
        expectNothingIn(answer);
      }
    };
    const frames = () => someFrames(apis, random);
    let settledBytes = 0;
    let served = 0;
    const watch = async () => {
      while (sent.left > 0) {
        await within(HANG_MS, "another client", logIn());
        served++;
        if (settledBytes === 0 && sent.left < FRAMES * 0.75)
          settledBytes = await at.broker.residentBytes();
      }
    };
    const overTcp = () => ask(tcp(at.sasl), frames());
    const overTls = () => ask(connectTls({ ...tcpTo(at.saslOverTls), ...at.tls }), frames());
    const tampered = () => ask(damagedTls(at.saslOverTls, at.tls.ca, random), frames(), DAMAGED_MS);
    const http = () => ask(tcp(at.sasl), [someHttp(random)], DAMAGED_MS);
    const mean = () => 4;
    await Promise.all([
      watch(),
      ...Array.from({ length: 12 }, () => attack(overTcp, mean)),
      ...Array.from({ length: 2 }, () => attack(overTls, mean)),
      ...Array.from({ length: 4 }, () => attack(tampered, mean)),
      ...Array.from({ length: 2 }, () => attack(http, () => 1)),
    ]);
    const endBytes = await at.broker.residentBytes();
    const mebibytes = (bytes: number) => Math.round(bytes / MEBIBYTE);
    console.log(
      `${sent.connections} connections, ${sent.answered} of them answered, ${sent.bytes} bytes; ` +
        `${served} log-ins beside them; ${mebibytes(settledBytes)} MiB after a quarter, ` +
        `${mebibytes(endBytes)} MiB at the end`,
    );
    // If too few were answered, only the parser would be tested.
    expect(sent.answered).toBeGreaterThan(sent.connections / 4);
    expect(endBytes).toBeLessThan(settledBytes + GROWTH_LIMIT_BYTES);
    expect(at.broker.output).not.toMatch(/"level":"(error|fatal)"|\berror\b.*failed/i);
    expect(at.broker.running).toBe(true);
  },
  120_000 + FRAMES * 2,
);

/** Of the broker; each looks different in what a stranger sends. */
function expectNothingIn(answer: Buffer): void {
  const text = answer.toString("latin1");
  const id = Buffer.alloc(4);
  id.writeInt32BE(LAST_CORRELATION_ID);
  const told = [HIDDEN, clusterId, ADMIN_PASSWORD, "tarpan_", '"partitions"', " at file:"];
  const leaks = told.filter((secret) => text.includes(secret));
  if (answer.includes(id)) leaks.push("an answer to the last request");
  expect([text, leaks]).toEqual([text, []]);
}

async function logIn(): Promise<void> {
  using client = KafkaSocket.tls(at.saslOverTls, at.tls);
  const { errorCode } = await authenticatePlain(client, ADMIN, ADMIN_PASSWORD);
  expect(errorCode).toBe(0);
  const { topics } = await client.send(Metadata, 12, {
    topics: null,
    allowAutoTopicCreation: false,
  });
  expect(topics.map(({ name }) => name)).toEqual([HIDDEN]);
}

const tcpTo = (port: number) => ({
  port,
  host: "127.0.0.1",
  servername: "localhost",
  allowHalfOpen: true,
});
const tcp = (port: number): Socket => connect({ ...tcpTo(port), noDelay: true });
