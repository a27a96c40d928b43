import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newAuthority, newCertificate } from "../../../cli/src/certificates/x509.ts";

const DAY_MS = 86_400_000;

/** An authority of this test, and what it signs. */
export class TestAuthority {
  readonly #authority;

  constructor({ name = "Test CA", expired = false } = {}) {
    this.#authority = newAuthority(name, validity(expired));
  }

  get certificate(): string {
    return this.#authority.certificate;
  }

  issue(name: string, { hosts = [] as readonly string[], expired = false } = {}) {
    return newCertificate({ name, hosts, authority: this.#authority, ...validity(expired) });
  }

  broker(options: { expired?: boolean } = {}) {
    return this.issue("broker", { hosts: ["localhost", "127.0.0.1"], ...options });
  }
}

function validity(expired = false) {
  const untilMs = Date.now() + (expired ? -DAY_MS : DAY_MS);
  return { fromMs: untilMs - 30 * DAY_MS, untilMs };
}

/** A directory for files, which is removed in the end. */
export class TestDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TestDirectory> {
    return new TestDirectory(await mkdtemp(join(tmpdir(), "tarpan-tls-")));
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.path, name);
    // Some are keys, which the broker expects to be secret.
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Configs of a listener SSL with a broker's certificate in PEM. */
export function sslConfigs({ certificate, key }: { certificate: string; key: string }) {
  return {
    listeners: "SSL://127.0.0.1:0",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": certificate,
    "ssl.keystore.key": key,
  };
}
