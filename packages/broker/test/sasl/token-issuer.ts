import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export const AUDIENCE = "kafka";
export const ISSUER = "https://issuer.example.com";

/** What a token says unless a test says something else. */
type Claims = Readonly<Record<string, unknown>>;

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

export function unsecuredToken(claims: Claims): string {
  return `${encoded({ alg: "none" })}.${encoded(claims)}.`;
}

const HASHES: Readonly<Record<string, string>> = {
  RS256: "sha256",
  ES256: "sha256",
  PS256: "sha256",
};

/** Signs tokens with a key of its own. */
export class TokenIssuer {
  readonly kid: string;
  readonly #alg: "RS256" | "ES256";
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  constructor(kid: string, alg: "RS256" | "ES256" = "RS256") {
    const { privateKey, publicKey } =
      alg === "RS256"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.kid = kid;
    this.#alg = alg;
    this.#private = privateKey;
    this.#public = publicKey;
  }

  /** The public key, as a JWK. */
  get jwk(): Record<string, unknown> {
    return { ...this.#public.export({ format: "jwk" }), kid: this.kid, use: "sig" };
  }

  /** Valid for an hour from `nowMs` on, and issued for `AUDIENCE`. */
  token(claims: Claims, { nowMs = Date.now(), header = {} as Record<string, unknown> } = {}) {
    const iat = Math.floor(nowMs / 1_000);
    const said = { sub: "alice", aud: AUDIENCE, iss: ISSUER, iat, exp: iat + 3_600, ...claims };
    const signed = `${encoded({ alg: this.#alg, kid: this.kid, ...header })}.${encoded(said)}`;
    const key = { key: this.#private, dsaEncoding: "ieee-p1363" } as const;
    return `${signed}.${sign(HASHES[this.#alg]!, Buffer.from(signed), key).toString("base64url")}`;
  }

  /** HS256 with the public key for a secret: a library that trusts `alg` would take it. */
  confusedToken(nowMs: number): string {
    const iat = Math.floor(nowMs / 1_000);
    const said = { sub: "alice", aud: AUDIENCE, iss: ISSUER, iat, exp: iat + 3_600 };
    const signed = `${encoded({ alg: "HS256", kid: this.kid })}.${encoded(said)}`;
    const secret = this.#public.export({ format: "pem", type: "spki" });
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  }
}

export function jwksOf(...issuers: readonly TokenIssuer[]): string {
  return JSON.stringify({ keys: issuers.map(({ jwk }) => jwk) });
}

/** Serves a JWKS on a free port. */
export class JwksServer implements AsyncDisposable {
  readonly #server: Server;
  #content: string;

  private constructor(content: string) {
    this.#content = content;
    this.#server = createServer((_request, response) => void response.end(this.#content));
  }

  static async start(...issuers: readonly TokenIssuer[]): Promise<JwksServer> {
    const server = new JwksServer(jwksOf(...issuers));
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  serve(...issuers: readonly TokenIssuer[]): void {
    this.#content = jwksOf(...issuers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
