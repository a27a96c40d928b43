import type { Credentials } from "./credentials.ts";
import { type Exchange, OTHER_AUTHORIZATION_ID, type Step, toldFailure } from "./exchange.ts";

/** PLAIN (RFC 4616): one token with the password. */
export class PlainExchange implements Exchange {
  readonly #credentials: Credentials;
  readonly #configured: ReadonlyMap<string, string>;
  readonly #address: string;

  constructor(credentials: Credentials, configured: ReadonlyMap<string, string>, address: string) {
    this.#credentials = credentials;
    this.#configured = configured;
    this.#address = address;
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
    const [credentials, configured] = [this.#credentials, this.#configured];
    const client = { address: this.#address, heldBytes: token.length };
    if (!(await credentials.isPassword(user, password, configured, client))) {
      throw toldFailure("wrong user name or password");
    }
    if (authorizationId !== "" && authorizationId !== user) {
      throw toldFailure(OTHER_AUTHORIZATION_ID);
    }
    return { token: new Uint8Array(0), user };
  }
}
