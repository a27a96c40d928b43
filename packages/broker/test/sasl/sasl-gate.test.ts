import {
  type Api,
  ApiVersions,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  type Fields,
  type Input,
  Metadata,
  SaslAuthenticate,
  SaslHandshake,
} from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { SaslSettings } from "../../src/config/sasl-settings.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { BearerTokens } from "../../src/sasl/bearer-tokens.ts";
import { Credentials } from "../../src/sasl/credentials.ts";
import { SaslGate } from "../../src/sasl/sasl-gate.ts";
import { ANONYMOUS, type KafkaPrincipal, principalText } from "../../src/security/principal.ts";
import { RefusedRequest } from "../../src/server/refused-request.ts";
import type { ConnectionInfo, RequestRouter } from "../../src/server/router.ts";
import { Secret } from "../../src/util/secret.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { plainToken } from "./sasl-client.ts";
import { AUDIENCE, ISSUER, jwksOf, TokenIssuer, unsecuredToken } from "./token-issuer.ts";

const PASSED = Uint8Array.of(0, 0, 0, 6, 0, 0, 0, 1, 0, 0);
const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };
const ISSUER_KEY = new TokenIssuer("key");

/** Tokens that `ISSUER_KEY` signs. */
function signedTokens(): BearerTokens {
  const env = testEnv();
  const get = async () => ({ status: 200, body: jwksOf(ISSUER_KEY) });
  const url = new URL("https://issuer.example.com/keys");
  const jwks = { url, refreshMs: 3_600_000, retryBackoffMs: 100, retryBackoffMaxMs: 1_000 };
  const claims = { subClaim: "sub", scopeClaim: "scope", requiredScopes: [], clockSkewMs: 0 };
  const settings = { jwks, audiences: [AUDIENCE], issuer: ISSUER, ...claims };
  const parts = { env: { ...env, network: { ...env.network, get } }, logger: silentLogger };
  const tokens = new BearerTokens("USERS", settings, parts);
  tokens.keys!.start();
  return tokens;
}

const TOKENS = signedTokens();

/** A connection behind a gate, without a socket. */
class Gated {
  readonly time = new ManualTime();
  /** API keys of the requests that came through. */
  readonly passed: number[] = [];
  readonly principals: KafkaPrincipal[] = [];
  refusal: RefusedRequest | null = null;
  isIsolated = false;
  readonly #gate: SaslGate;

  constructor({ maxReauthMs = 0, random = new SeededRandom(1) } = {}) {
    const reauth = {
      PLAIN: maxReauthMs,
      "SCRAM-SHA-256": maxReauthMs,
      "SCRAM-SHA-512": 0,
      OAUTHBEARER: 0,
    };
    const settings: SaslSettings = {
      mechanisms: ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"],
      plainUsers: new Secret(
        new Map([
          ["alice", "alice-secret"],
          ["bob", "bob-secret"],
        ]),
      ),
      ...{ tokens: null, maxReauthMs: reauth, failedDelayMs: 100, maxFrameBytes: 524_288 },
    };
    const credentials = new Credentials(() => null, random);
    const env = { clock: this.time, timers: this.time, random };
    const info = { principal: ANONYMOUS } as { principal: KafkaPrincipal };
    const router: RequestRouter = {
      accept: (frame) => {
        this.passed.push((frame[0]! << 8) | frame[1]!);
        return { lane: null, run: () => Promise.resolve([PASSED]) };
      },
      closed: () => {},
    };
    const state = { ready: Promise.resolve(), isIsolated: () => this.isIsolated };
    const parts = { settings, credentials, tokens: TOKENS, env, ...state };
    this.#gate = new SaslGate(parts, {
      ...{ router, info: info as unknown as ConnectionInfo },
      authenticated: (principal) => {
        info.principal = principal;
        this.principals.push(principal);
      },
      refuse: (error) => {
        this.refusal = error;
      },
    });
  }

  /** Null if the connection is closed without an answer. */
  async frame(frame: Uint8Array): Promise<Uint8Array | null> {
    try {
      const running = this.#gate.accept(frame).run();
      let isDone = false;
      void running.then(
        () => (isDone = true),
        () => (isDone = true),
      );
      while (!isDone) {
        this.time.advance(1);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const chunks = await running;
      return chunks === null ? null : Buffer.concat(chunks).subarray(4);
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error;
      this.refusal = error;
      return null;
    }
  }

  async send<Q extends Fields, S extends Fields>(api: Api<Q, S>, version: number, body: Input<Q>) {
    const header = { correlationId: 1, clientId: null };
    const frame = Buffer.concat(encodeRequest(api, version, header, body)).subarray(4);
    const answer = await this.frame(frame);
    return answer === null ? null : decodeResponse(api, version, answer).body;
  }

  async login(user: string, password: string) {
    await this.send(SaslHandshake, 1, { mechanism: "PLAIN" });
    return this.send(SaslAuthenticate, 2, { authBytes: plainToken(user, password) });
  }

  async isServed(): Promise<boolean> {
    const before = this.passed.length;
    const header = { correlationId: 1, clientId: null };
    await this.frame(Buffer.concat(encodeRequest(Metadata, 12, header, ALL_TOPICS)).subarray(4));
    return this.passed.length > before;
  }
}

test("a client authenticates anew as the same user, and goes on", async () => {
  const gated = new Gated({ maxReauthMs: 60_000 });
  expect(await gated.login("alice", "alice-secret")).toMatchObject({ sessionLifetimeMs: 60_000 });
  gated.time.advance(50_000);
  expect(await gated.login("alice", "alice-secret")).toMatchObject({ errorCode: 0 });
  gated.time.advance(50_000);
  expect(await gated.isServed()).toBe(true);
  gated.time.advance(20_000);
  expect(await gated.isServed()).toBe(false);
  expect(gated.refusal?.reason).toBe("session-expired");
});

test("a client can't become another user, or change the mechanism", async () => {
  const other = new Gated();
  await other.login("alice", "alice-secret");
  other.time.advance(1_000);
  const answer = await other.login("bob", "bob-secret");
  expect(answer).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED });
  expect(answer?.errorMessage).toBe(
    "the connection of User:alice can't become that of another user",
  );
  expect(other.principals.map(principalText)).toEqual(["User:alice"]);

  const changed = new Gated();
  await changed.login("alice", "alice-secret");
  changed.time.advance(1_000);
  await changed.send(SaslHandshake, 1, { mechanism: "SCRAM-SHA-256" });
  const refused = await changed.send(SaslAuthenticate, 2, { authBytes: Buffer.from("n,,n=a,r=b") });
  expect(refused?.errorMessage).toContain("must do so again by");
});

test("a second handshake within a second is left to the handler, which refuses it", async () => {
  const gated = new Gated();
  await gated.login("alice", "alice-secret");
  await gated.frame(Uint8Array.of(0, SaslHandshake.key, 0, 1));
  expect(gated.passed).toEqual([SaslHandshake.key]);
});

test("while a client authenticates anew, nothing else comes through", async () => {
  const gated = new Gated();
  await gated.login("alice", "alice-secret");
  gated.time.advance(1_000);
  await gated.send(SaslHandshake, 1, { mechanism: "PLAIN" });
  expect(await gated.isServed()).toBe(false);
  expect(gated.refusal?.reason).toBe("authentication");
});

test("a client that logs in anew by a token stays the same user", async () => {
  const gated = new Gated();
  const login = async (sub: string) => {
    await gated.send(SaslHandshake, 1, { mechanism: "OAUTHBEARER" });
    const token = ISSUER_KEY.token({ sub }, NOW);
    const authBytes = Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`);
    return gated.send(SaslAuthenticate, 2, { authBytes });
  };
  expect(await login("alice")).toMatchObject({ errorCode: ErrorCode.NONE });
  gated.time.advance(3_000_000);
  expect(await login("alice")).toMatchObject({ errorCode: ErrorCode.NONE });
  gated.time.advance(1_000);
  expect(await login("bob")).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED });
  expect(gated.principals.map(principalText)).toEqual(["User:alice", "User:alice"]);
});

test("a first message of SCRAM that is kept can't be a large one", async () => {
  const gated = new Gated();
  await gated.send(SaslHandshake, 1, { mechanism: "SCRAM-SHA-256" });
  const authBytes = Buffer.from(`n,,n=${"a".repeat(4_096)},r=b`);
  const refused = await gated.send(SaslAuthenticate, 2, { authBytes });
  expect(refused?.errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
  expect(gated.refusal?.message).toContain("longer than 4096 bytes");
});

test("who logs in while the broker is isolated is served nothing, also after that", async () => {
  const whole = new Gated();
  whole.isIsolated = true;
  expect(await whole.login("alice", "alice-secret")).toMatchObject({ errorCode: ErrorCode.NONE });
  const begun = new Gated();
  await begun.send(SaslHandshake, 1, { mechanism: "PLAIN" });
  begun.isIsolated = true;
  const authBytes = plainToken("alice", "alice-secret");
  await begun.send(SaslAuthenticate, 2, { authBytes });
  for (const gated of [whole, begun]) {
    gated.isIsolated = false;
    // Nor may it log in anew, as who knows whom.
    gated.time.advance(1_000);
    const header = { correlationId: 1, clientId: null };
    const handshake = encodeRequest(SaslHandshake, 1, header, { mechanism: "PLAIN" });
    expect(await gated.frame(Buffer.concat(handshake).subarray(4))).toBe(null);
    expect([gated.refusal?.reason, gated.passed]).toEqual(["isolated", []]);
    expect(await gated.isServed()).toBe(false);
  }
});

test("no sequence of frames comes through without the password, and none is a bug", async () => {
  const seed = seedOf("frames before the authentication");
  for (let run = 0; run < 150; run++) {
    const random = new SeededRandom(seed + run);
    const gated = new Gated({ random });
    for (let step = 0; step < 12 && gated.refusal === null; step++) {
      await gated.frame(someFrame(random));
    }
    expect(gated.principals, `seed ${seed + run}`).toEqual([]);
    expect(gated.passed.filter((key) => key !== ApiVersions.key)).toEqual([]);
  }
});

const NOW = { nowMs: 1_700_000_000_000 };
const WRONG_TOKENS = [
  new TokenIssuer("key").token({}, NOW),
  ISSUER_KEY.token({ aud: "other" }, NOW),
  ISSUER_KEY.token({ exp: 1 }, NOW),
  unsecuredToken({ sub: "alice", aud: AUDIENCE, iss: ISSUER, iat: 1, exp: 2_000_000_000 }),
  ...["a.b.c", "", "é"],
];

/** A likely frame, whole or damaged; never with a right password. */
function someFrame(random: SeededRandom): Uint8Array {
  const header = { correlationId: 1, clientId: null };
  const mechanism = random.pick(["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "NONE", ""]);
  const messages = [
    ...["\0alice\0b", "\0\0", "n,,n=alice,r=x", "c=biws,r=x,p=AAAA", "", "\0alice\0a\0"],
    ...["\x01", ...WRONG_TOKENS.map((token) => `n,,\x01auth=Bearer ${token}\x01\x01`)],
  ];
  const authBytes = Buffer.from(random.pick(messages));
  const frames = [
    encodeRequest(ApiVersions, 0, header, {}),
    encodeRequest(SaslHandshake, random.below(2), header, { mechanism }),
    encodeRequest(SaslHandshake, 1, header, { mechanism: "PLAIN" }),
    encodeRequest(SaslHandshake, 1, header, { mechanism: "OAUTHBEARER" }),
    encodeRequest(SaslAuthenticate, random.below(3), header, { authBytes }),
    encodeRequest(Metadata, 12, header, ALL_TOPICS),
    [Buffer.alloc(4), authBytes],
  ];
  const frame = Buffer.concat(random.pick(frames)).subarray(4);
  if (!random.chance(0.3) || frame.length === 0) return frame;
  const damaged = Buffer.from(frame);
  damaged[random.below(damaged.length)] = random.below(256);
  return damaged.subarray(0, random.chance(0.5) ? damaged.length : random.below(damaged.length));
}
