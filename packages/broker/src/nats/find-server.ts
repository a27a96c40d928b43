import type { Env } from "../env/env.ts";
import { reasonOf } from "../util/os-error.ts";
import { EngineError } from "./engine-error.ts";
import { RECOMMENDED_VERSION, versionIn, versionProblem } from "./version.ts";

export interface NatsServerProgram {
  readonly path: string;
  readonly version: string;
  /** A warning about its version, null if there is none. */
  readonly problem: string | null;
}

/**
 * The nats-server to run: the given one, else the one on PATH. Rejects with EngineError
 * TARPAN_NATS_SERVER_MISSING or TARPAN_NATS_SERVER_TOO_OLD.
 */
export async function findNatsServer(
  { programs }: Pick<Env, "programs">,
  { path, allowOld }: { path?: string | undefined; allowOld: boolean },
): Promise<NatsServerProgram> {
  const found = path ?? (await programs.find("nats-server"));
  if (found === null)
    throw missing("a broker with a raft address runs nats-server, but there is none on PATH");
  const { output } = await programs.run(found, ["-v"]).catch((cause: unknown) => {
    throw missing(`can't run ${found} (${reasonOf(cause)})`, cause);
  });
  const version = versionIn(output);
  if (version === null) throw missing(`${found} is no nats-server`);
  return { path: found, version, problem: versionProblem(version, allowOld) };
}

function missing(what: string, cause?: unknown): EngineError {
  return new EngineError(
    "TARPAN_NATS_SERVER_MISSING",
    `${what}: install nats-server ${RECOMMENDED_VERSION} from its release page or with ` +
      `"go install github.com/nats-io/nats-server/v2@v${RECOMMENDED_VERSION}", or set ` +
      "TARPAN_NATS_SERVER to its path",
    cause,
  );
}
