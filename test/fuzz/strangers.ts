import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import {
  type AnyApi,
  ApiVersions,
  encodeRequest,
  Metadata,
  rangeOf,
  SaslAuthenticate,
  SaslHandshake,
} from "@tarpan/protocol";
import { ScramClient } from "../../packages/broker/test/sasl/scram-client.ts";
import { TokenIssuer, unsecuredToken } from "../../packages/broker/test/sasl/token-issuer.ts";
import type { SeededRandom } from "../harness/random.ts";
import { ADMIN } from "../harness/secured-broker.ts";
import { structOf } from "./generate.ts";
import { mutate } from "./mutate.ts";

/** The last request of each connection; its answer must never come. */
export const LAST_CORRELATION_ID = 0x7a5a1234;
const NAMES = { names: ["hidden", ADMIN], ids: ["00000000-0000-0000-0000-000000000000"] };
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI", ""];
const stranger = new TokenIssuer("key");

/**
 * A client that is nobody. Sends `frames`, asks for all topics, and says that it sends no more.
 * Resolves to what it gets until the broker closes the connection or `limitMs` are over: a damaged
 * record of TLS may have the broker wait for the rest.
 */
export async function ask(
  socket: Socket,
  frames: readonly Buffer[],
  limitMs = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => chunks.push(bytes));
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    socket.on("error", () => {}).once("close", resolve);
    if (Number.isFinite(limitMs)) timer = setTimeout(resolve, limitMs);
  });
  for (const frame of frames) socket.write(frame);
  socket.end(lastRequest);
  await over;
  clearTimeout(timer);
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
  return Buffer.concat(chunks);
}

const lastRequest = Buffer.concat(
  encodeRequest(
    Metadata,
    12,
    { correlationId: LAST_CORRELATION_ID, clientId: null },
    { topics: null, allowAutoTopicCreation: false },
  ),
);

/** Frames of a log-in, of which any may be missing, twice, damaged, or another request. */
export function someFrames(apis: readonly AnyApi[], random: SeededRandom): Buffer[] {
  const frames: Buffer[] = [];
  let mechanism = random.pick(MECHANISMS);
  const count = 1 + random.below(6);
  for (let step = 0; step < count; step++) {
    const kind = random.below(10);
    const version = random.below(3);
    if (kind < 2) frames.push(request(ApiVersions, random.below(5), random));
    else if (kind < 5) {
      mechanism = random.chance(8) ? random.pick(MECHANISMS) : mechanism;
      frames.push(encoded(SaslHandshake, random.below(2), { mechanism }));
    } else if (kind < 8) {
      frames.push(encoded(SaslAuthenticate, version, { authBytes: someToken(mechanism, random) }));
    } else if (kind < 9) frames.push(framed(someToken(mechanism, random)));
    else {
      const api = random.pick(apis);
      const { min, max } = rangeOf(api.versions);
      frames.push(request(api, min + random.below(max - min + 1), random));
    }
  }
  const whole = [...frames];
  return frames.map((frame) =>
    random.chance(3) ? mutate(frame, random.pick(whole), random) : frame,
  );
}

function request(api: AnyApi, version: number, random: SeededRandom): Buffer {
  const known = rangeOf(api.versions);
  const served = Math.min(Math.max(version, known.min), known.max);
  return encoded(api, served, structOf(api.request, served, random, NAMES));
}

function encoded(api: AnyApi, version: number, body: object): Buffer {
  const header = { correlationId: 1, clientId: "stranger" };
  return Buffer.concat(encodeRequest(api, version, header, body as never));
}

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Never one that lets its sender in. */
function someToken(mechanism: string, random: SeededRandom): Buffer {
  if (mechanism === "OAUTHBEARER") {
    const token = random.pick(TOKENS);
    return damaged(Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`), random);
  }
  const user = random.pick([ADMIN, ADMIN, ADMIN, "nobody"]);
  if (mechanism.startsWith("SCRAM")) {
    const nonce = random.bytes(6).toString("hex");
    const first = new ScramClient("SCRAM-SHA-256", user, "guess", nonce).first();
    const proof = random.bytes(32).toString("base64");
    const final = Buffer.from(`c=biws,r=${nonce},p=${proof}`);
    return damaged(random.pick([first, first, final]), random);
  }
  const password = random.pick(["", "guess", "\0", "zz-the-password-of-the-admi"]);
  return damaged(Buffer.from(`${random.pick(["", ADMIN])}\0${user}\0${password}`), random);
}

const claims = { sub: ADMIN, aud: "kafka", iss: "https://issuer.example.com", iat: 1, exp: 9e9 };
const TOKENS = [
  ...[unsecuredToken(claims), stranger.token({ sub: ADMIN }), stranger.confusedToken(Date.now())],
  ...["a.b.c", "..", "", "é", "x".repeat(5_000)],
];

function damaged(bytes: Buffer, random: SeededRandom): Buffer {
  if (bytes.length === 0 || !random.chance(3)) return bytes;
  const changed = Buffer.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) {
    changed[random.below(changed.length)] = random.pick([0, 0x2c, 0x3d, 0xff, random.below(256)]);
  }
  return random.chance(4) ? changed.subarray(0, random.below(changed.length)) : changed;
}

/** A TLS connection of which chunks are damaged on their way to the broker. */
export function damagedTls(port: number, ca: string, random: SeededRandom): TLSSocket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const tampering = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(tampered(chunk, random), done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.resetAndDestroy();
      done(error);
    },
  });
  socket.on("data", (bytes) => void tampering.push(bytes));
  socket.on("end", () => void tampering.push(null));
  socket.on("error", () => tampering.destroy());
  socket.on("close", () => tampering.destroy());
  return connectTls({
    ...{ socket: tampering, ca, servername: "localhost" },
    ...(random.chance(2) && { maxVersion: "TLSv1.2" as const }),
  });
}

/** Most often one record of the first flight or the second. */
function tampered(chunk: Buffer, random: SeededRandom): Buffer {
  if (!random.chance(2)) return chunk;
  const bytes = damaged(chunk, random);
  if (random.chance(6)) return Buffer.concat([bytes, bytes]);
  return random.chance(6) ? Buffer.concat([random.bytes(1 + random.below(50)), bytes]) : bytes;
}

const PATHS = [
  "/metrics",
  "/cluster/status",
  "/api/v1/groups",
  "/api/v1/delayed",
  "/health/../metrics",
];

export function someHttp(random: SeededRandom): Buffer {
  const token = someToken(random.pick(MECHANISMS), random).toString("base64");
  const value = random.pick([token, `${token}==`, "", random.pick(TOKENS), "x y"]);
  const scheme = random.pick(["Basic", "basic", "Bearer", "Negotiate", "", "Basic Basic"]);
  const method = random.pick(["GET", "GET", "POST", "DELETE", "HEAD", "OPTIONS"]);
  const lines = [
    `${method} ${random.pick(PATHS)} HTTP/1.1`,
    "Host: localhost",
    `Authorization: ${scheme} ${value.replaceAll(/[^\x20-\x7e]/g, "")}`,
    ...(random.chance(4) ? ["Authorization: Basic YTpi"] : []),
    ...(random.chance(2) ? ["Connection: close"] : []),
  ];
  return damaged(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), random);
}
