import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AUDIENCE,
  ISSUER,
  JwksServer,
  TokenIssuer,
} from "../../packages/broker/test/sasl/token-issuer.ts";

/** The client that the token endpoint knows. Its tokens are for a user of the same name. */
export const CLIENT = { id: "service", secret: "s3cret" } as const;

/** An issuer of tokens with its JWKS, and an endpoint for the grant with a client's secret. */
export class OAuthIssuer implements AsyncDisposable {
  readonly #key: TokenIssuer;
  readonly #jwks: JwksServer;
  readonly #endpoint = createServer((request, response) => {
    const secret = Buffer.from((request.headers.authorization ?? "").slice(6), "base64").toString();
    response.setHeader("content-type", "application/json");
    if (secret !== `${CLIENT.id}:${CLIENT.secret}`) {
      response.writeHead(401).end('{"error":"invalid_client"}');
      return;
    }
    const access_token = this.token({ sub: CLIENT.id });
    response.end(JSON.stringify({ access_token, token_type: "Bearer", expires_in: 3600 }));
  });

  private constructor(key: TokenIssuer, jwks: JwksServer) {
    this.#key = key;
    this.#jwks = jwks;
  }

  static async start(): Promise<OAuthIssuer> {
    const key = new TokenIssuer("key");
    const issuer = new OAuthIssuer(key, await JwksServer.start(key));
    await new Promise<void>((resolve) => issuer.#endpoint.listen(0, "127.0.0.1", resolve));
    return issuer;
  }

  get tokenUrl(): string {
    return `http://127.0.0.1:${(this.#endpoint.address() as AddressInfo).port}/token`;
  }

  token(claims: Readonly<Record<string, unknown>>): string {
    return this.#key.token(claims);
  }

  /** Configs by which a broker's listener takes its tokens. */
  listenerConfigs(listener: string): Record<string, string> {
    const prefix = `listener.name.${listener}.oauthbearer.sasl.oauthbearer`;
    return {
      [`${prefix}.jwks.endpoint.url`]: this.#jwks.url,
      [`${prefix}.expected.audience`]: AUDIENCE,
      [`${prefix}.expected.issuer`]: ISSUER,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endpoint.closeAllConnections();
    await new Promise((resolve) => this.#endpoint.close(resolve));
    await this.#jwks[Symbol.asyncDispose]();
  }
}

export const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600;
