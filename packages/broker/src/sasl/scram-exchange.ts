import type { Random } from "../env/env.ts";
import {
  isProof,
  type ScramCredential,
  type ScramMechanism,
  serverSignature,
} from "../security/scram.ts";
import type { Credentials } from "./credentials.ts";
import {
  AuthenticationError,
  type Exchange,
  OTHER_AUTHORIZATION_ID,
  type Step,
  toldFailure,
} from "./exchange.ts";

const SASL_NAME = "(?:[\\x01-\\x2b\\x2d-\\x3c\\x3e-\\x7f\\u0080-\\uffff]|=2C|=3D)+";
const VALUE = "[\\x01-\\x2b\\x2d-\\x7f]+";
const PRINTABLE = "[\\x21-\\x2b\\x2d-\\x7e]+";
const EXTENSIONS = `(?:,[A-Za-z]+=${VALUE})*`;

/** RFC 5802: `n,,n=user,r=nonce`. Channel binding (`p=`) is not offered. */
const CLIENT_FIRST = new RegExp(
  `^([ny],(?:a=(${SASL_NAME}))?,)((?:m=${VALUE},)?n=(${SASL_NAME}),r=(${PRINTABLE})(${EXTENSIONS}))$`,
);
const CLIENT_FINAL = new RegExp(
  `^(c=([A-Za-z0-9+/=]+),r=(${PRINTABLE})${EXTENSIONS}),p=([A-Za-z0-9+/]+=*)$`,
);

const NONCE_BYTES = 24;

/**
 * The first message is kept until the final one comes, from clients of whom nothing is known yet.
 * Without a limit, some thousand of them would fill the memory.
 */
const MAX_FIRST_BYTES = 4_096;

interface First {
  readonly gs2Header: string;
  readonly nonce: string;
  /** The messages so far, without the header; the proof signs them. */
  readonly messages: string;
  readonly user: string;
  readonly credential: ScramCredential;
  readonly exists: boolean;
}

/** SCRAM: two tokens of the client, and two answers. */
export class ScramExchange implements Exchange {
  readonly #mechanism: ScramMechanism;
  readonly #credentials: Credentials;
  readonly #random: Random;
  #first: First | null = null;

  constructor(mechanism: ScramMechanism, credentials: Credentials, random: Random) {
    this.#mechanism = mechanism;
    this.#credentials = credentials;
    this.#random = random;
  }

  async next(token: Uint8Array): Promise<Step> {
    if (this.#first === null && token.length > MAX_FIRST_BYTES) {
      throw new AuthenticationError(`its first message is longer than ${MAX_FIRST_BYTES} bytes`);
    }
    const message = bufferOf(token).toString("utf8");
    return this.#first === null ? this.#begin(message) : this.#finish(this.#first, message);
  }

  #begin(message: string): Step {
    const match = CLIENT_FIRST.exec(message);
    if (match === null) throw new AuthenticationError("the client's first message is malformed");
    const [, gs2Header = "", authorizationId = "", bare = "", name = "", clientNonce = ""] = match;
    const user = unescaped(name);
    if (/,tokenauth=true/i.test(match[6] ?? "")) {
      throw new AuthenticationError("it is a delegation token, which this broker does not have");
    }
    if (authorizationId !== "" && unescaped(authorizationId) !== user) {
      throw toldFailure(OTHER_AUTHORIZATION_ID);
    }
    const { credential, exists } = this.#credentials.scram(this.#mechanism, user);
    const nonce = clientNonce + base64(this.#random.bytes(NONCE_BYTES));
    const answer = `r=${nonce},s=${base64(credential.salt)},i=${credential.iterations}`;
    const messages = `${bare},${answer}`;
    this.#first = { gs2Header, nonce, messages, user, credential, exists };
    return { token: Buffer.from(answer), user: null };
  }

  #finish({ gs2Header, nonce, messages, user, ...known }: First, message: string): Step {
    const match = CLIENT_FINAL.exec(message);
    if (match === null) throw new AuthenticationError("the client's final message is malformed");
    const [, withoutProof = "", binding = "", clientNonce = "", proof = ""] = match;
    if (clientNonce !== nonce) {
      // It repeats its own nonce, which brokers accepted before CVE-2024-56128.
      const old = "librdkafka before 2.6.1 has this fault";
      throw new AuthenticationError(`the nonce of its final message is wrong (${old})`);
    }
    if (binding !== base64(Buffer.from(gs2Header))) {
      throw new AuthenticationError("the channel binding is another one");
    }
    const signed = `${messages},${withoutProof}`;
    const fits = isProof(this.#mechanism, known.credential, signed, Buffer.from(proof, "base64"));
    if (!fits || !known.exists) throw new AuthenticationError("wrong password, or unknown user");
    const signature = serverSignature(this.#mechanism, known.credential, signed);
    return { token: Buffer.from(`v=${base64(signature)}`), user };
  }
}

function unescaped(name: string): string {
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function base64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString("base64");
}

/** The same bytes, not a copy. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
