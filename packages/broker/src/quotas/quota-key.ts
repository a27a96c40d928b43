import { canonicalAddress } from "../config/kafka/ip-overrides.ts";
import { CLIENT_ID, IP, type QuotaEntity, USER } from "./quota-entity.ts";

const LARGEST_LONG = 2 ** 63;
const MAX_INT = 2 ** 31 - 1;

/** The largest value of a whole number; null for a number that may be fractional. */
const USER_AND_CLIENT_KEYS = new Map<string, number | null>([
  ["producer_byte_rate", LARGEST_LONG],
  ["consumer_byte_rate", LARGEST_LONG],
  ["request_percentage", null],
  ["controller_mutation_rate", null],
]);

const IP_KEYS = new Map<string, number | null>([["connection_creation_rate", MAX_INT]]);

/** Says why no quota can limit such an entity; null if one can. */
export function entityProblem(entity: QuotaEntity): string | null {
  if (entity.length === 0) return "a quota needs a user, a client-id or an ip";
  for (const { entityType, entityName } of entity) {
    if (![USER, CLIENT_ID, IP].includes(entityType)) {
      return `a quota can be of a user, a client-id or an ip, not of a ${entityType}`;
    }
    if (entityName === "") return `the name of the ${entityType} is empty`;
  }
  const address = entity.find(({ entityType }) => entityType === IP)?.entityName;
  if (address === undefined) return null;
  if (entity.length > 1) return "an ip can't be combined with a user or a client-id";
  // Kafka resolves host names, too. An address does not move.
  return address === null || canonicalAddress(address) !== null
    ? null
    : `${address} is not an IP address`;
}

/** Says why an entity, which is valid, can't have this quota; null if it can. */
export function valueProblem(entity: QuotaEntity, key: string, value: number): string | null {
  const keys = entity[0]?.entityType === IP ? IP_KEYS : USER_AND_CLIENT_KEYS;
  const largest = keys.get(key);
  if (largest === undefined) return `there is no quota ${key} of such an entity`;
  // Not written as `value <= 0`, which NaN would pass.
  if (!(value > 0)) return `${key} must be greater than 0`;
  if (largest === null) return null;
  if (value > largest) return `${key} is larger than ${largest}`;
  return value % 1 > SMALLEST_FRACTION ? `${key} must be a whole number` : null;
}

/** What doubles lose does not count as a fraction, as in Kafka. */
const SMALLEST_FRACTION = 1e-6;
