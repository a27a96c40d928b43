import { pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import {
  AlterUserScramCredentials,
  DescribeUserScramCredentials,
  ErrorCode,
  type RequestInput,
} from "@tarpan/protocol";
import { type Check, type Checks, integer, oneOf } from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import { secret } from "../connection/security.ts";
import { assertOk } from "../errors.ts";

const MECHANISMS = {
  "SCRAM-SHA-256": { type: 1, hash: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { type: 2, hash: "sha512", bytes: 64 },
} as const;

export type ScramMechanism = keyof typeof MECHANISMS;

/** A user who can log in by SCRAM, or by PLAIN with Tarpan's brokers. */
export interface ScramUser {
  readonly name: string;
  readonly credentials: readonly {
    readonly mechanism: ScramMechanism;
    readonly iterations: number;
  }[];
}

export interface NewScramCredential {
  readonly mechanism: ScramMechanism;
  /** Salted here: brokers never get it. */
  readonly password: string;
  /** How often the password is hashed, 4,096 (the default) to 16,384. */
  readonly iterations?: number | undefined;
}

export const scramMechanism: Check = oneOf(...Object.keys(MECHANISMS));

export const newScramCredential: Checks<NewScramCredential> = {
  mechanism: scramMechanism,
  password: secret,
  iterations: integer(4_096, 16_384),
};

const DEFAULT_ITERATIONS = 4_096;
const SALT_BYTES = 24;

/** Those of `names` that exist, or all, sorted by name. */
export async function describeUsers(
  client: Client,
  names: readonly string[] | null,
): Promise<ScramUser[]> {
  const users = names?.map((name) => ({ name })) ?? null;
  const answer = await client.request(DescribeUserScramCredentials, { users });
  assertOk(answer.errorCode, "users", answer.errorMessage);
  const found: ScramUser[] = [];
  for (const { user: name, errorCode, errorMessage, credentialInfos } of answer.results) {
    if (errorCode === ErrorCode.RESOURCE_NOT_FOUND) continue;
    assertOk(errorCode, `user ${name}`, errorMessage);
    const credentials = credentialInfos.flatMap(({ mechanism, iterations }) => {
      const known = nameOf(mechanism);
      return known === undefined ? [] : [{ mechanism: known, iterations }];
    });
    found.push({ name, credentials });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const derive = promisify(pbkdf2);

export async function upsertCredential(
  client: Client,
  name: string,
  { mechanism, password, iterations = DEFAULT_ITERATIONS }: NewScramCredential,
): Promise<void> {
  const { type, hash, bytes } = MECHANISMS[mechanism];
  const salt = randomBytes(SALT_BYTES);
  const saltedPassword = await derive(password, salt, iterations, bytes, hash);
  const upsertion = { name, mechanism: type, iterations, salt, saltedPassword };
  await alter(client, name, { deletions: [], upsertions: [upsertion] });
}

export function deleteCredential(
  client: Client,
  name: string,
  mechanism: ScramMechanism,
): Promise<void> {
  const deletion = { name, mechanism: MECHANISMS[mechanism].type };
  return alter(client, name, { deletions: [deletion], upsertions: [] });
}

/** Not sent again without an answer: another change may have been made in between. */
async function alter(
  client: Client,
  name: string,
  request: RequestInput<typeof AlterUserScramCredentials>,
): Promise<void> {
  // Any broker: it asks the controller itself.
  const connection = await client.retrying("reaching a broker", () => client.anyConnection());
  const { results } = await connection.request(AlterUserScramCredentials, request);
  for (const { errorCode, errorMessage } of results) {
    assertOk(errorCode, `user ${name}`, errorMessage);
  }
}

function nameOf(type: number): ScramMechanism | undefined {
  const known = Object.entries(MECHANISMS).find(([, mechanism]) => mechanism.type === type);
  return known?.[0] as ScramMechanism | undefined;
}
