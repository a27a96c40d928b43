import { ConfigError } from "../config/config-error.ts";
import type { InitialAdminSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { Founding } from "../metadata/founding.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { nobodyRecord } from "../metadata/nobody-record.ts";
import { type MetadataRecord, scramCredentialRecord } from "../metadata/records.ts";
import {
  MIN_ITERATIONS,
  SCRAM_MECHANISMS,
  type ScramMechanism,
  saltPassword,
  scramKeys,
} from "../security/scram.ts";
import { Secret } from "../util/secret.ts";
import { inUtf8 } from "../util/utf8.ts";

const SALT_BYTES = 24;

interface Outside {
  readonly env: Pick<Env, "fs" | "random">;
  readonly logger: Logger;
}

/** The user that the metadata of a new cluster begins with: `initial_admin`. */
export class InitialAdmin implements Founding {
  readonly problem: ConfigError | null;
  readonly #name: string;
  readonly #records: readonly MetadataRecord[];
  readonly #logger: Logger;
  #isTaken = false;

  private constructor(
    name: string,
    made: readonly MetadataRecord[] | ConfigError,
    { logger }: Outside,
  ) {
    this.#name = name;
    this.problem = made instanceof ConfigError ? made : null;
    this.#records = made instanceof ConfigError ? [] : made;
    this.#logger = logger;
  }

  /** A password that can't be read is a problem of new clusters only. */
  static async of(settings: InitialAdminSettings, outside: Outside): Promise<InitialAdmin> {
    const { name } = settings;
    try {
      const password = await passwordOf(settings, outside.env);
      return new InitialAdmin(name, await recordsOf(name, password, outside.env), outside);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return new InitialAdmin(name, error, outside);
    }
  }

  take(): readonly MetadataRecord[] {
    this.#isTaken = true;
    return this.#records;
  }

  /** Logs what became of the setting. */
  tell(image: MetadataImage): void {
    const name = this.#name;
    if (this.#isTaken) this.#logger.info(`initial_admin: the new cluster has the user ${name}`);
    else if (image.users.has(name)) {
      const kept = `the user ${name} exists, and keeps its password`;
      this.#logger.info(`initial_admin: this cluster is not new: ${kept}`);
    } else {
      const why = this.problem === null ? "" : ` (${this.problem.message})`;
      this.#logger.warn(
        `initial_admin: this cluster is not new, and has no user ${name}${why}: a super user who ` +
          `can log in has to make it: tarpan user create ${name}`,
      );
    }
  }
}

async function passwordOf(
  { name, password }: InitialAdminSettings,
  { fs }: Pick<Env, "fs">,
): Promise<string> {
  if (password === null) {
    throw new ConfigError(
      `initial_admin: ${name} needs a password for the new cluster: set ` +
        "initial_admin_password_file, or TARPAN_INITIAL_ADMIN_PASSWORD",
    );
  }
  if (password instanceof Secret) return password.reveal();
  const { file } = password;
  const refuse = (why: string, cause?: unknown) => {
    throw new ConfigError(`initial_admin_password_file: ${file} ${why}`, { cause });
  };
  const bytes = await fs.readFile(file).catch((error: { code?: string }) => {
    return refuse(`can't be read (${error.code ?? "unknown error"})`, error);
  });
  if (bytes === null) return refuse("does not exist");
  const text = inUtf8(bytes)?.replace(/\r?\n$/, "") ?? refuse("is not a text in UTF-8");
  if (/[\r\n]/.test(text)) return refuse("has more than one line");
  return text === "" ? refuse("is empty") : text;
}

/** For both mechanisms: the clients may know only one of them. */
async function recordsOf(
  name: string,
  password: string,
  { random }: Pick<Env, "random">,
): Promise<MetadataRecord[]> {
  const mechanisms = Object.keys(SCRAM_MECHANISMS) as ScramMechanism[];
  const records = await Promise.all(
    mechanisms.map(async (mechanism) => {
      const how = { salt: random.bytes(SALT_BYTES), iterations: MIN_ITERATIONS };
      const keys = scramKeys(mechanism, await saltPassword(mechanism, password, how));
      return scramCredentialRecord(name, mechanism, { ...keys, ...how });
    }),
  );
  return [...records, nobodyRecord("SCRAM-SHA-512", MIN_ITERATIONS, random)];
}
