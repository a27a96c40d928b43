import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { TokenSettings } from "../../src/config/token-settings.ts";
import { BearerTokens } from "../../src/sasl/bearer-tokens.ts";
import { TokenError } from "../../src/sasl/token-error.ts";
import { principalText } from "../../src/security/principal.ts";
import { testEnv } from "../env/test-env.ts";
import { AUDIENCE, ISSUER, jwksOf, TokenIssuer, unsecuredToken } from "./token-issuer.ts";

const ISSUER_KEY = new TokenIssuer("first");
const OTHER_KEY = new TokenIssuer("second");
const SAME_NAME = new TokenIssuer("first");
const CURVE_KEY = new TokenIssuer("curve", "ES256");
const HOUR_MS = 3_600_000;

const UNSECURED: TokenSettings = {
  ...{ jwks: null, audiences: [], issuer: null, requiredScopes: [], clockSkewMs: 0 },
  ...{ subClaim: "sub", scopeClaim: "scope" },
};

const SIGNED: TokenSettings = {
  ...UNSECURED,
  ...{ audiences: [AUDIENCE, "other"], issuer: ISSUER, clockSkewMs: 30_000 },
  jwks: {
    url: new URL("https://issuer.example.com/keys?secret=hidden"),
    ...{ refreshMs: HOUR_MS, retryBackoffMs: 100, retryBackoffMaxMs: 1_000 },
  },
};

type Answer = { status: number; body: string };

/** Tokens, and an issuer that answers what a test tells it. */
class Issued {
  readonly env = testEnv();
  readonly log: string[] = [];
  readonly tokens: BearerTokens;
  requests = 0;
  answer: () => Promise<Answer> | Answer = () => ({ status: 200, body: jwksOf(ISSUER_KEY) });

  constructor(settings: TokenSettings = SIGNED) {
    const get = async () => {
      this.requests++;
      return this.answer();
    };
    const write = (message: string) => void this.log.push(message);
    const logger = { debug: write, info: write, warn: write, error: write };
    const env = { ...this.env, network: { ...this.env.network, get } };
    this.tokens = new BearerTokens("USERS", settings, { env, logger });
  }

  get nowMs(): number {
    return this.env.time.wallMs();
  }

  /** The principal, or why not. */
  async owner(token: string): Promise<string> {
    try {
      return principalText((await this.tokens.validate(token)).principal);
    } catch (error) {
      if (error instanceof TokenError) return `${error.status}: ${error.message}`;
      throw error;
    }
  }

  /** Lets time pass until what it set in motion is done. */
  async pass(ms: number): Promise<void> {
    this.env.time.advance(ms);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function started(settings: TokenSettings = SIGNED): Promise<Issued> {
  const issued = new Issued(settings);
  issued.tokens.keys?.start();
  await issued.tokens.keys?.known();
  return issued;
}

describe("a signed token", () => {
  test("names its user and when it expires", async () => {
    const issued = await started();
    const token = ISSUER_KEY.token({ sub: " alice " }, issued);
    const owner = await issued.tokens.validate(token);
    expect(owner).toEqual({
      principal: { type: "User", name: "alice" },
      expiresMs: issued.nowMs + HOUR_MS,
    });
  });

  test.each([
    ["for another service", { aud: "billing" }, /claim aud is "billing", expected is kafka or/],
    ["for nobody", { aud: undefined }, /claim aud is missing/],
    ["of another issuer", { iss: "https://evil.example.com" }, /claim iss is ".*evil/],
    ["that has expired", { exp: 1_699_999_969 }, /it has expired/],
    ["that is not valid yet", { nbf: 1_700_000_031 }, /it is not valid yet/],
    ["without an end", { exp: undefined }, /claim exp is missing/],
    ["without a beginning", { iat: undefined }, /claim iat is missing/],
    ["without a user", { sub: undefined }, /claim sub must be a name, not missing/],
    ["of an empty user", { sub: "  " }, /claim sub must be a name/],
    ["whose user is a number", { sub: 7 }, /must be a name, not 7/],
    ["whose scope is a number", { scope: 7 }, /claim scope is not a text or a list/],
  ])("%s is refused", async (_what, claims, reason) => {
    const issued = await started();
    expect(await issued.owner(ISSUER_KEY.token(claims, issued))).toMatch(reason);
  });

  test.each([
    ["of several services", { aud: ["billing", AUDIENCE] }],
    ["that expired a moment ago", { exp: 1_699_999_971 }],
    ["that is valid in a moment", { nbf: 1_700_000_029 }],
    ["with scopes", { scope: ["a", "b"] }],
  ])("%s is taken", async (_what, claims) => {
    const issued = await started();
    expect(await issued.owner(ISSUER_KEY.token(claims, issued))).toBe("User:alice");
  });

  test.each(["\u00a0admin", "admin\u2003", "\ufeffadmin"])(
    "of %j is not of the user whose name looks the same",
    async (sub) => {
      const issued = await started();
      expect(await issued.owner(ISSUER_KEY.token({ sub }, issued))).toBe(`User:${sub}`);
      const spaced = ISSUER_KEY.token({ sub: ` \t${sub}\n` }, issued);
      expect(await issued.owner(spaced)).toBe(`User:${sub}`);
    },
  );

  test("must be signed by a key of the JWKS", async () => {
    const issued = await started();
    expect(await issued.owner(SAME_NAME.token({}, issued))).toMatch(/its signature is wrong/);
    expect(await issued.owner(OTHER_KEY.token({}, issued))).toMatch(/no key of the JWKS could/);
    const [header, body] = ISSUER_KEY.token({}, issued).split(".");
    const forged = Buffer.from(body!, "base64url").toString().replace("alice", "admin");
    const changed = Buffer.from(forged).toString("base64url");
    const signature = ISSUER_KEY.token({}, issued).split(".")[2];
    expect(await issued.owner(`${header}.${changed}.${signature}`)).toMatch(/signature is wrong/);
  });

  test("must be signed by an algorithm with a public key", async () => {
    const issued = await started();
    const claims = { sub: "alice", aud: AUDIENCE, iss: ISSUER, iat: 1, exp: 2_000_000_000 };
    expect(await issued.owner(unsecuredToken(claims))).toMatch(/its algorithm is none of RS256/);
    const confused = ISSUER_KEY.confusedToken(issued.nowMs);
    expect(await issued.owner(confused)).toMatch(/its algorithm is none of RS256/);
  });

  test.each(["", "a", "a.b", "a.b.c", "a.b.c.d.e", `${"a".repeat(100_000)}.b.c`])(
    "that is none is refused",
    async (token) => {
      expect(await (await started()).owner(token)).toMatch(/^invalid_token: it can't be checked/);
    },
  );

  test("can't fill the log with what its header says", async () => {
    const issued = await started();
    const crit = ["x".repeat(100_000)];
    const told = await issued.owner(ISSUER_KEY.token({}, { ...issued, header: { crit } }));
    expect(told).toMatch(/^invalid_token: it can't be checked/);
    expect(told.length).toBeLessThan(300);
  });

  test("need not name its key", async () => {
    const issued = new Issued();
    issued.answer = () => ({ status: 200, body: jwksOf(OTHER_KEY, ISSUER_KEY, CURVE_KEY) });
    issued.tokens.keys!.start();
    const header = { kid: undefined };
    for (const key of [ISSUER_KEY, OTHER_KEY, CURVE_KEY]) {
      const token = key.token({}, { nowMs: issued.nowMs, header });
      expect(await issued.owner(token)).toBe("User:alice");
    }
    const strange = SAME_NAME.token({}, { nowMs: issued.nowMs, header });
    expect(await issued.owner(strange)).toMatch(/its signature is wrong/);
  });

  test("may name its user in another claim", async () => {
    const issued = await started({ ...SIGNED, subClaim: "client_id" });
    expect(await issued.owner(ISSUER_KEY.token({ client_id: "bob" }, issued))).toBe("User:bob");
    const inherited = await started({ ...SIGNED, subClaim: "constructor" });
    expect(await inherited.owner(ISSUER_KEY.token({}, inherited))).toMatch(/not missing/);
  });
});

describe("the keys", () => {
  test("that can't be used stand in nobody's way, whether the token names its key or not", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
    const weak = publicKey.export({ format: "jwk" });
    const unusable = [
      ...[weak, { ...weak, kid: "first", use: "sig" }, { kty: "RSA", kid: "first", n: "A", e: "" }],
      ...[
        { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" },
        { kty: "EC", crv: "P-0" },
      ],
      ...[null, 5, "key", {}, { kty: "AKP", kid: "x\ny" }, { kty: ["RSA"] }],
    ];
    const odd = { ...OTHER_KEY.jwk, alg: "RSA1_5", kid: "first" };
    const keys = [...unusable, odd, ISSUER_KEY.jwk, CURVE_KEY.jwk, ...unusable];
    const issued = new Issued();
    issued.answer = () => ({ status: 200, body: JSON.stringify({ keys }) });
    issued.tokens.keys!.start();
    for (const header of [{}, { kid: undefined }]) {
      for (const key of [ISSUER_KEY, CURVE_KEY]) {
        const token = key.token({}, { nowMs: issued.nowMs, header });
        expect(await issued.owner(token)).toBe("User:alice");
      }
      const strange = SAME_NAME.token({}, { nowMs: issued.nowMs, header });
      expect(await issued.owner(strange)).toMatch(/its signature is wrong/);
      // A good signature is believed, and what it signs is told.
      const expired = ISSUER_KEY.token({ exp: 1 }, { nowMs: issued.nowMs, header });
      expect(await issued.owner(expired)).toMatch(/it has expired/);
    }
    expect(issued.tokens.keys!.count).toBe(3);
    expect(issued.log[1]).toMatch(/has keys that can't be used: the key missing has 1024 bits, fe/);
    expect(issued.log.join("")).not.toContain("\n");
  });

  test("are fetched again for a token with a new one, but not for each", async () => {
    const issued = await started();
    await issued.pass(10_000);
    issued.answer = () => ({ status: 200, body: jwksOf(ISSUER_KEY, OTHER_KEY) });
    const fresh = OTHER_KEY.token({}, issued);
    const all = await Promise.all([1, 2, 3].map(() => issued.owner(fresh)));
    expect([all, issued.requests]).toEqual([Array(3).fill("User:alice"), 2]);
    for (let i = 0; i < 50; i++) {
      await issued.owner(ISSUER_KEY.token({}, { nowMs: issued.nowMs, header: { kid: `x${i}` } }));
    }
    expect(issued.requests).toBe(2);
  });

  test("are fetched again when it is time, and removed ones are not trusted any more", async () => {
    const issued = await started();
    issued.answer = () => ({ status: 200, body: jwksOf(OTHER_KEY) });
    await issued.pass(HOUR_MS);
    expect(issued.requests).toBe(2);
    expect(await issued.owner(OTHER_KEY.token({}, issued))).toBe("User:alice");
    expect(await issued.owner(ISSUER_KEY.token({}, issued))).toMatch(/no key of the JWKS/);
  });

  test.each<[string, () => Promise<Answer> | Answer, RegExp]>([
    ["is down", () => Promise.reject(new Error("ECONNREFUSED")), /keys: ECONNREFUSED; nobody/],
    ["has an error", () => ({ status: 500, body: "" }), /answers with status 500; nobody can log/],
    ["answers garbage", () => ({ status: 200, body: "<html>" }), /it is not JSON/],
    ["answers something else", () => ({ status: 200, body: '{"a":1}' }), /it is not a JWKS/],
    ["answers null", () => ({ status: 200, body: "null" }), /it is not a JWKS/],
    ["has no keys", () => ({ status: 200, body: '{"keys":[]}' }), /it has no public key/],
    [
      "has secrets for keys",
      () => ({ status: 200, body: '{"keys":[null,{"kty":"oct","k":"AAAA"}]}' }),
      /it has no public key/,
    ],
  ])("are asked for again and again while the issuer %s", async (_what, answer, reason) => {
    const issued = new Issued();
    issued.answer = answer;
    issued.tokens.keys!.start();
    const token = ISSUER_KEY.token({}, issued);
    expect(await issued.owner(token)).toMatch(/^unavailable: listener USERS: its keys of tokens/);
    expect(issued.tokens.keys!.outage).toMatch(reason);
    for (const waitMs of [100, 200, 400, 800, 1_000, 1_000]) {
      const { requests } = issued;
      await issued.pass(waitMs - 1);
      expect(issued.requests).toBe(requests);
      await issued.pass(1);
      expect(issued.requests).toBe(requests + 1);
    }
    expect(issued.tokens.keys!.failures).toBe(7);
    // One line while the reason is the same.
    expect(issued.log).toEqual([expect.stringMatching(/and it is tried again$/)]);
    issued.answer = () => ({ status: 200, body: jwksOf(ISSUER_KEY) });
    await issued.pass(1_000);
    expect(await issued.owner(token)).toBe("User:alice");
    expect(issued.tokens.keys!.outage).toBeNull();
    expect(issued.log.join()).not.toContain("secret=");
  });

  test("stay in use when they can't be fetched any more, which is told", async () => {
    const issued = await started();
    issued.answer = () => Promise.reject(new Error("ETIMEDOUT"));
    await issued.pass(HOUR_MS);
    expect(await issued.owner(ISSUER_KEY.token({}, issued))).toBe("User:alice");
    expect(issued.log.at(-1)).toMatch(/ETIMEDOUT; the last keys stay in use, and it is tried/);
    expect(issued.tokens.keys!.outage).toBeNull();
    // The new key might be a good one.
    expect(await issued.owner(OTHER_KEY.token({}, issued))).toMatch(/^unavailable: its key is not/);
  });

  test("may be in a file, which is read again", async () => {
    const url = new URL("file:///etc/tarpan/jwks.json");
    const issued = new Issued({ ...SIGNED, jwks: { ...SIGNED.jwks!, url } });
    issued.tokens.keys!.start();
    expect(await issued.owner(ISSUER_KEY.token({}, issued))).toMatch(/there is no such file/);
    await issued.env.fs.makeDirectory("/etc/tarpan");
    await write(issued, jwksOf(ISSUER_KEY));
    await issued.pass(1_000);
    expect(await issued.owner(ISSUER_KEY.token({}, issued))).toBe("User:alice");
    await write(issued, jwksOf(OTHER_KEY));
    await issued.pass(10_000);
    expect(await issued.owner(OTHER_KEY.token({}, issued))).toBe("User:alice");
  });

  test("are not fetched any more after the end", async () => {
    const issued = new Issued();
    const end = issued.tokens.keys!.start();
    await issued.tokens.keys!.known();
    end();
    await issued.pass(2 * HOUR_MS);
    expect(issued.requests).toBe(1);
  });
});

async function write({ env }: Issued, text: string): Promise<void> {
  const file = await env.fs.open("/etc/tarpan/jwks.json", { create: true });
  await file.truncate(0);
  await file.write([Buffer.from(text)], 0);
  await file.close();
}

describe("a token without a signature", () => {
  const nowSeconds = 1_700_000_000;
  const good = { sub: "alice", iat: nowSeconds, exp: nowSeconds + 1 };

  test.each([
    ["good", good, /^User:alice$/],
    ["expired", { ...good, exp: nowSeconds, iat: 1 }, /it has expired/],
    ["without an end", { sub: "alice" }, /it has no claim exp/],
    ["with a text for its end", { ...good, exp: "soon" }, /claim exp is not a number/],
    ["of the future", { ...good, iat: nowSeconds + 1, exp: nowSeconds + 9 }, /in the future/],
    ["without a user", { exp: nowSeconds + 1 }, /claim sub must be a name/],
  ])("%s", async (_what, claims, expected) => {
    expect(await new Issued(UNSECURED).owner(unsecuredToken(claims))).toMatch(expected);
  });

  test.each(["", "a.b", "..", "e30..", `${"e30".repeat(3)}.e30.`, "bnVsbA.e30.", "W10.e30."])(
    "%j is none",
    async (token) => {
      expect(await new Issued(UNSECURED).owner(token)).toMatch(/^invalid_token: it is/);
    },
  );

  test("is refused if it has one, which can't be checked", async () => {
    const issued = new Issued(UNSECURED);
    expect(await issued.owner(ISSUER_KEY.token({}, issued))).toMatch(/it is signed, and this/);
  });

  test("must have the scopes that are required", async () => {
    const issued = new Issued({ ...UNSECURED, requiredScopes: ["read", "write"] });
    const reason = "insufficient_scope: its claim scope lacks read write";
    for (const scope of ["read", ["write"], undefined]) {
      expect(await issued.owner(unsecuredToken({ ...good, scope }))).toBe(reason);
    }
    expect(await issued.owner(unsecuredToken({ ...good, scope: 7 }))).toMatch(/is not a text/);
    for (const scope of ["write  read", ["write", "x", "read"]]) {
      expect(await issued.owner(unsecuredToken({ ...good, scope }))).toBe("User:alice");
    }
  });
});
