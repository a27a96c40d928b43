import type { Admin, ScramMechanism, ScramUser } from "@tarpan/client";
import { nearest } from "@tarpan/protocol/internal/nearest";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { askNewPassword, passwordFromStdin } from "../terminal/password.ts";
import { counted } from "../terminal/progress.ts";
import { adminAction, type Prepare } from "./admin-action.ts";
import { eachNamed } from "./each-named.ts";

const MECHANISMS = ["SCRAM-SHA-512", "SCRAM-SHA-256"] as const;
/** Kafka's, which brokers check. */
const MIN_ITERATIONS = 4_096;
const MAX_ITERATIONS = 16_384;

const actions: Actions = {
  create: adminAction("create a user with a password", (args, io) => {
    const { name, password, ...given } = credentialFrom(args, io);
    const { mechanism = MECHANISMS[0], iterations = MIN_ITERATIONS } = given;
    return async (admin, output) => {
      const [found] = await admin.describeUserScramCredentials([name]);
      if (found !== undefined) throw exists(name);
      const credential = { mechanism, iterations };
      await admin.upsertUserScramCredential(name, { ...credential, password: await password() });
      tell(output, { name, credentials: [credential] }, "created");
    };
  }),
  password: adminAction("change the password of a user", changePassword),
  list: adminAction("list users", () => async (admin, output) => {
    const users = await admin.describeUserScramCredentials();
    const rows = users.flatMap(({ name, credentials }) =>
      credentials.map(({ mechanism, iterations }) => [name, mechanism, iterations]),
    );
    const none = "no users yet; create one with: tarpan user create NAME";
    output.table(users, ["user", "mechanism", "iterations"], rows, none);
  }),
  delete: adminAction("delete users", (args) =>
    eachNamed(args, "user", async (admin, output, name) => {
      const { credentials } = await existing(admin, name);
      for (const { mechanism } of credentials) {
        await admin.deleteUserScramCredential(name, mechanism);
      }
      output.add({ name, deleted: true }, `deleted user ${name}\n`);
    }),
  ),
};

export const user: Command = {
  name: "user",
  summary: "Create, list and delete users, who log in by SCRAM or PLAIN.",
  usage: [
    "create   NAME [--mechanism NAME] [--iterations N] [--password-stdin]",
    "password NAME [--mechanism NAME] [--iterations N] [--password-stdin]",
    "list",
    "delete   NAME…",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "user", argument: "NAME", help: "a user, the same as a bare NAME" },
    { name: "mechanism", argument: "NAME", help: `${MECHANISMS[0]} (default) or ${MECHANISMS[1]}` },
    {
      name: "iterations",
      argument: "N",
      help: `how often the password is hashed, ${MIN_ITERATIONS} (default) to ${MAX_ITERATIONS}`,
    },
    { name: "password-stdin", help: "read the password from standard input, and do not ask" },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan user create alice",
    "tarpan user create alice --password-stdin < alice.password",
    "tarpan user password alice",
    "tarpan user delete alice",
  ],
  run: actions,
};

/** For every mechanism that the user has, unless one is named: it should be one password. */
function changePassword(args: Arguments, io: Io): ReturnType<Prepare> {
  const { name, mechanism: only, iterations, password } = credentialFrom(args, io);
  return async (admin, output) => {
    const { credentials } = await existing(admin, name);
    const kept = only === undefined ? credentials : credentials.filter((c) => c.mechanism === only);
    const wanted = kept.length > 0 || only === undefined ? kept : [newCredential(only)];
    const changed = wanted.map((one) => ({ ...one, iterations: iterations ?? one.iterations }));
    const secret = await password();
    // One after another: Kafka, and so Tarpan, refuses a request that names a user twice.
    for (const one of changed) {
      await admin.upsertUserScramCredential(name, { ...one, password: secret });
    }
    tell(output, { name, credentials: changed }, "changed the password of");
  };
}

function newCredential(mechanism: ScramMechanism) {
  return { mechanism, iterations: MIN_ITERATIONS };
}

/** `password` reads it or asks for it, when it is clear that it is needed. */
function credentialFrom(args: Arguments, io: Io) {
  const name = args.named("user");
  const mechanism = args.oneOf("mechanism", MECHANISMS);
  const iterations = args.integer("iterations", MIN_ITERATIONS, MAX_ITERATIONS);
  const isFromStdin = args.has("password-stdin");
  if (!isFromStdin && !io.stdin.isTTY) {
    throw new UsageError("there is no terminal to ask for the password: add --password-stdin");
  }
  const password = () => (isFromStdin ? passwordFromStdin(io) : askNewPassword(name, io));
  return { name, mechanism, iterations, password };
}

function exists(name: string): CommandError {
  return new CommandError(
    `there is a user ${name} already; change the password with: tarpan user password ${name}`,
  );
}

async function existing(admin: Admin, name: string): Promise<ScramUser> {
  const users = await admin.describeUserScramCredentials();
  const found = users.find((one) => one.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    users.map((one) => one.name),
  );
  const hint = near === null ? "list the users with: tarpan user list" : `did you mean ${near}?`;
  throw new CommandError(`there is no user ${name}; ${hint}`);
}

function tell(output: Output, { name, credentials }: ScramUser, what: string): void {
  const how = credentials.map(({ mechanism, iterations }) => {
    return `${mechanism}, ${counted(iterations, "iteration")}`;
  });
  output.add({ name, credentials }, `${what} user ${name} (${how.join("; ")})\n`);
}
