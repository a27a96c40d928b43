import type { Credentials } from "./credentials.ts";
import { type Exchange, OTHER_AUTHORIZATION_ID, type Step, toldFailure } from "./exchange.ts";

/** PLAIN (RFC 4616): one token with the password. */
export class PlainExchange implements Exchange {
  readonly #credentials: Credentials;
  readonly #configured: ReadonlyMap<string, string>;

  constructor(credentials: Credentials, configured: ReadonlyMap<string, string>) {
    this.#credentials = credentials;
    this.#configured = configured;
  }

  async next(token: Uint8Array): Promise<Step> {
    const parts = Buffer.from(token).toString("utf8").split("\0");
    if (parts.length !== 3) {
      const got = Math.min(parts.length, 4);
      throw toldFailure(`a PLAIN message has 3 parts, this one ${got}`);
    }
    const [authorizationId, user, password] = parts as [string, string, string];
    if (user === "") throw toldFailure("the user name is empty");
    if (password === "") throw toldFailure("the password is empty");
    if (!(await this.#credentials.isPassword(user, password, this.#configured))) {
      throw toldFailure("wrong user name or password");
    }
    if (authorizationId !== "" && authorizationId !== user) {
      throw toldFailure(OTHER_AUTHORIZATION_ID);
    }
    return { token: new Uint8Array(0), user };
  }
}
