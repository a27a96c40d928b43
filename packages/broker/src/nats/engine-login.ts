import type { Authenticator } from "@nats-io/transport-node";
import type { FileSystem } from "../env/env.ts";
import type { Secret } from "../util/secret.ts";
import type { EngineAddress } from "./engine-url.ts";
import { readSecretFile } from "./secret-file.ts";

type Nats = typeof import("@nats-io/transport-node");

const NKEY_SEED = /^SU[A-Z2-7]{56}$/;

/** How a broker logs in at external NATS servers: by its URL, or by a file. */
export class EngineLogin {
  readonly #address: Pick<EngineAddress, "user" | "password">;
  readonly #path: string | undefined;
  readonly #fs: FileSystem;
  #secret: Secret | null = null;

  private constructor(address: EngineAddress, path: string | undefined, fs: FileSystem) {
    this.#address = address;
    this.#path = path;
    this.#fs = fs;
  }

  /** Rejects with EngineError if the file can't be read. */
  static async open(
    address: EngineAddress,
    path: string | undefined,
    fs: FileSystem,
  ): Promise<EngineLogin> {
    const login = new EngineLogin(address, path, fs);
    await login.refresh();
    return login;
  }

  /** Reads the file again: the next connection logs in by what it contains now. */
  async refresh(): Promise<void> {
    if (this.#path !== undefined) this.#secret = await readSecretFile(this.#path, this.#fs);
  }

  /** Null without credentials. */
  authenticator(nats: Nats): Authenticator | null {
    const { user, password } = this.#address;
    if (this.#secret === null) {
      if (user === undefined) return null;
      // As in NATS, a user name without a password is a token.
      if (password === undefined) return nats.tokenAuthenticator(user);
      return nats.usernamePasswordAuthenticator(user, password.reveal());
    }
    const text = () => this.#secret!.reveal();
    const bytes = () => new TextEncoder().encode(text());
    if (text().includes("-----BEGIN NATS USER JWT-----")) return nats.credsAuthenticator(bytes);
    if (NKEY_SEED.test(text())) return nats.nkeyAuthenticator(bytes);
    if (user === undefined) return nats.tokenAuthenticator(text);
    return nats.usernamePasswordAuthenticator(user, text);
  }
}
