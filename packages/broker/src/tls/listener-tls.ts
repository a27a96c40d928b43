import { constants } from "node:crypto";
import type { TLSSocket, TlsOptions } from "node:tls";
import { loadReaders } from "@tarpan/keystores";
import { ConfigError } from "../config/config-error.ts";
import type { Listener } from "../config/listeners.ts";
import type { TlsSettings } from "../config/tls-settings.ts";
import type { Env, Timer } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { ANONYMOUS, user } from "../security/principal.ts";
import { type PrincipalMapper, principalMapper } from "../security/principal-mapper.ts";
import type { Admission, ServerTls } from "../server/server-tls.ts";
import { earliestMs, NewlyExpired } from "../util/validity.ts";
import { haveSameContent, type KeyFiles, KeyMaterialError, readKeyFiles } from "./key-files.ts";
import { type KeyMaterial, keyMaterialOf } from "./key-material.ts";

/** Time between two looks at the files of keys and certificates, ms. */
const RELOAD_INTERVAL_MS = 10_000;

type Parts = Pick<Env, "fs" | "timers" | "clock">;

/**
 * TLS of one listener. Its files are read again every ten seconds: new connections get the new
 * certificates, and the others go on. Files that can't be used change nothing, except that
 * `problem` and the log say so.
 */
export class ListenerTls implements ServerTls {
  readonly listener: string;
  readonly #settings: TlsSettings;
  readonly #env: Parts;
  readonly #logger: Logger;
  readonly #mapper: PrincipalMapper;
  #material: KeyMaterial;
  /** What was read last, and what came of it: the work of a password is done once. */
  #last: { readonly files: KeyFiles; readonly outcome: KeyMaterial | KeyMaterialError };
  #problem: string | null = null;
  #failures = 0;
  readonly #expired = new NewlyExpired();
  #timer: Timer | null = null;
  #onChange: () => void = () => {};

  private constructor(
    name: string,
    settings: TlsSettings,
    material: KeyMaterial,
    { env, logger }: { env: Parts; logger: Logger },
  ) {
    this.listener = name;
    this.#settings = settings;
    this.#material = material;
    this.#last = { files: material.files, outcome: material };
    this.#env = env;
    this.#logger = logger;
    this.#mapper = mapperOf(settings);
    this.#warn();
    this.#warnOfExpiry();
  }

  /** Rejects with ConfigError if the keys and certificates can't be used. Null without TLS. */
  static async open(
    { name, tls }: Pick<Listener, "name" | "tls">,
    parts: { env: Parts; logger: Logger },
  ): Promise<ListenerTls | null> {
    if (tls === null) return null;
    // Whatever its files are now, they may be stores at another look.
    const isPem = [tls.keystore, tls.truststore].every(isAlwaysPem);
    if (!isPem) await loadReaders();
    try {
      const material = await keyMaterialOf(tls, await readKeyFiles(tls, parts.env.fs));
      return new ListenerTls(name, tls, material, parts);
    } catch (error) {
      if (!(error instanceof KeyMaterialError)) throw error;
      throw new ConfigError(`listener ${name}: ${error.message}`);
    }
  }

  /** Why the files can't be used any more; null while they can. */
  get problem(): string | null {
    return this.#problem;
  }

  /** How often files were found that can't be used. */
  get reloadFailures(): number {
    return this.#failures;
  }

  /** When the broker's certificate, or one it comes with, expires; null if that is not known. */
  get expiresMs(): number | null {
    return earliestMs(this.#material.chain);
  }

  /** When the first of the truststore's authorities expires; null without a truststore. */
  get authorityExpiresMs(): number | null {
    return earliestMs(this.#material.authorities);
  }

  get options(): TlsOptions {
    const asks = this.#settings.clientAuth !== "none";
    return {
      ...this.#material.options,
      requestCert: asks,
      // `admit` decides, so that it can say why.
      rejectUnauthorized: false,
      // A resumed session would bypass the authorities that are trusted now.
      ...(asks && { secureOptions: constants.SSL_OP_NO_TICKET }),
    };
  }

  admit(socket: TLSSocket): Admission {
    const { clientAuth } = this.#settings;
    if (clientAuth === "none") return { principal: ANONYMOUS };
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      if (clientAuth === "requested") return { principal: ANONYMOUS };
      return { refusal: "it showed no certificate, and ssl.client.auth is required" };
    }
    if (!socket.authorized) {
      return { refusal: `its certificate is not trusted (${socket.authorizationError})` };
    }
    return this.#principalOf(certificate.subject);
  }

  /** `onChange` is called when `options` have changed. Returns what ends the watch. */
  watch(onChange: () => void): () => void {
    this.#onChange = onChange;
    this.#arm();
    return () => {
      this.#timer?.cancel();
      this.#timer = null;
      this.#onChange = () => {};
    };
  }

  #arm(): void {
    this.#timer = this.#env.timers.after(RELOAD_INTERVAL_MS, async () => {
      await this.reload();
      if (this.#timer !== null) this.#arm();
    });
  }

  async reload(): Promise<void> {
    await this.#reload();
    this.#warnOfExpiry();
  }

  async #reload(): Promise<void> {
    try {
      const material = await this.#read();
      if (this.#problem !== null)
        this.#logger.info(`listener ${this.listener}: its files are good`);
      this.#problem = null;
      if (haveSameContent(material.files, this.#material.files)) return;
      this.#material = material;
      this.#onChange();
      this.#logger.info(`listener ${this.listener}: new keys and certificates are in use`);
      this.#warn();
    } catch (error) {
      if (!(error instanceof KeyMaterialError)) throw error;
      const problem = `listener ${this.listener} keeps its certificates: ${error.message}`;
      this.#failures++;
      if (problem !== this.#problem) this.#logger.error(problem);
      this.#problem = problem;
    }
  }

  async #read(): Promise<KeyMaterial> {
    const files = await readKeyFiles(this.#settings, this.#env.fs);
    if (!haveSameContent(files, this.#last.files)) {
      const outcome = await keyMaterialOf(this.#settings, files).catch((error: unknown) => {
        if (error instanceof KeyMaterialError) return error;
        throw error;
      });
      this.#last = { files, outcome };
    }
    const { outcome } = this.#last;
    if (outcome instanceof KeyMaterialError) throw outcome;
    return outcome;
  }

  #warn(): void {
    const { warning } = this.#material;
    if (this.#settings.clientAuth === "none" || warning === null) return;
    this.#logger.warn(`listener ${this.listener}: ${warning}`);
  }

  #warnOfExpiry(): void {
    const { chain, authorities } = this.#material;
    const nowMs = this.#env.clock.wallMs();
    for (const one of this.#expired.among(chain, nowMs)) {
      const what = `its certificate has expired (${one}), and clients refuse it: renew it`;
      this.#logger.warn(`listener ${this.listener}: ${what}`);
    }
    for (const one of this.#expired.among(authorities, nowMs)) {
      const what = `an authority of its truststore has expired (${one})`;
      const so = "clients with a certificate of it are refused: remove it, or put in its successor";
      this.#logger.warn(`listener ${this.listener}: ${what}; ${so}`);
    }
  }

  #principalOf(subject: string): Admission {
    const name = distinguishedName(subject);
    const mapped = this.#mapper(name);
    if (mapped !== null) return { principal: user(mapped) };
    return { refusal: `no rule of ssl.principal.mapping.rules fits ${name}` };
  }
}

function isAlwaysPem(store: TlsSettings["keystore"] | TlsSettings["truststore"]): boolean {
  return store === null || !("path" in store) || store.type === "PEM";
}

/**
 * Node lists the parts of a name first to last; RFC 2253, and so Java, last to first. It has
 * `undefined` for a name without parts, which Java, and so Kafka, writes as an empty text.
 */
export function distinguishedName(subject: string | undefined): string {
  if (subject === undefined) return "";
  const parts = subject.split("\n").map((part) => part.replaceAll(" + ", "+"));
  return parts.reverse().join(",");
}

function mapperOf({ principalMappingRules: rules }: TlsSettings): PrincipalMapper {
  try {
    return principalMapper(rules);
  } catch (error) {
    throw new ConfigError(`ssl.principal.mapping.rules: ${(error as Error).message}`);
  }
}
