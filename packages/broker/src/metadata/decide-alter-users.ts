import { ErrorCode } from "@tarpan/protocol";
import type { Random } from "../env/env.ts";
import {
  MAX_ITERATIONS,
  MIN_ITERATIONS,
  NOBODY,
  scramKeys,
  scramMechanismOf,
} from "../security/scram.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import { inTurns, type NextTurn } from "../util/next-turn.ts";
import { type MetadataImage, scramCredentialOf } from "./image.ts";
import { KEYS_PER_TURN } from "./limits.ts";
import { nobodyRecord } from "./nobody-record.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import {
  type MetadataRecord,
  removeScramCredentialRecord,
  scramCredentialRecord,
} from "./records.ts";

export interface AlterUsersRequest {
  readonly deletions: readonly Deletion[];
  readonly upsertions: readonly Upsertion[];
}

interface Deletion {
  readonly name: string;
  /** Kafka's number of it. */
  readonly mechanism: number;
}

interface Upsertion extends Deletion {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly saltedPassword: Uint8Array;
}

export interface AlteredUser extends Outcome {
  readonly user: string;
}

/** The keys of each upsertion that may get some. */
export type UpsertionKeys = ReadonlyMap<Upsertion, ReturnType<typeof scramKeys>>;

/** Computed before the decision, some in each turn of the event loop. */
export async function keysOf(
  upsertions: readonly Upsertion[],
  nextTurn: NextTurn,
): Promise<UpsertionKeys> {
  const keys = new Map<Upsertion, ReturnType<typeof scramKeys>>();
  await inTurns(upsertions, KEYS_PER_TURN, nextTurn, (one) => {
    const mechanism = scramMechanismOf(one.mechanism);
    if (mechanism !== null) keys.set(one, scramKeys(mechanism, one.saltedPassword));
  });
  return keys;
}

/**
 * One outcome for each user, as Kafka's `ScramControlManager` decides: a user whom the request
 * names twice is not altered at all.
 */
export function decideAlterUsers(
  image: MetadataImage,
  { deletions, upsertions }: AlterUsersRequest,
  keys: UpsertionKeys,
  random: Random,
): Decision<MetadataRecord, AlteredUser[]> {
  const names = [...deletions, ...upsertions].map(({ name }) => name);
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const records: MetadataRecord[] = [];
  const outcomes = new Map<string, Outcome>();
  const decide = ({ name, mechanism }: Deletion, decideOne: () => MetadataRecord | Outcome) => {
    const outcome =
      counts.get(name)! > 1
        ? refused(ErrorCode.DUPLICATE_RESOURCE, TWICE)
        : (nameProblem(name, mechanism) ?? decideOne());
    if ("record" in outcome) records.push(outcome);
    outcomes.set(name, "record" in outcome ? DONE : outcome);
  };
  for (const one of deletions) decide(one, () => deletion(image, one));
  for (const one of upsertions) decide(one, () => upsertion(one, keys));
  const first = upsertions.find(({ name }) => outcomes.get(name) === DONE);
  if (first !== undefined && !image.users.has(NOBODY)) {
    records.push(nobodyRecord(scramMechanismOf(first.mechanism)!, first.iterations, random));
  }
  return { records, response: [...outcomes].map(([user, outcome]) => ({ user, ...outcome })) };
}

const TWICE = "A user credential cannot be altered twice in the same request";

function nameProblem(name: string, mechanism: number): Outcome | null {
  if (name === NOBODY)
    return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty");
  if (scramMechanismOf(mechanism) !== null) return null;
  return refused(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism");
}

function deletion(image: MetadataImage, { name, mechanism }: Deletion): MetadataRecord | Outcome {
  if (scramCredentialOf(image, scramMechanismOf(mechanism)!, name) !== null) {
    return removeScramCredentialRecord(name, mechanism);
  }
  const text = "Attempt to delete a user credential that does not exist";
  return refused(ErrorCode.RESOURCE_NOT_FOUND, text);
}

function upsertion(asked: Upsertion, keys: UpsertionKeys): MetadataRecord | Outcome {
  const { name, mechanism: type, iterations, salt } = asked;
  if (iterations < MIN_ITERATIONS) {
    return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too few iterations");
  }
  if (iterations > MAX_ITERATIONS) {
    return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too many iterations");
  }
  const mechanism = scramMechanismOf(type)!;
  const { storedKey, serverKey } = keys.get(asked)!;
  // A copy: the request's bytes belong to a larger buffer.
  const credential = { storedKey, serverKey, iterations, salt: salt.slice() };
  return scramCredentialRecord(name, mechanism, credential);
}
