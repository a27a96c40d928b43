import type { Random } from "../env/env.ts";
import { NOBODY, SCRAM_MECHANISMS, type ScramMechanism } from "../security/scram.ts";
import { type MetadataRecord, scramCredentialRecord } from "./records.ts";

/** Comes with the first user, whose mechanism and iterations it has. */
export function nobodyRecord(
  mechanism: ScramMechanism,
  iterations: number,
  random: Random,
): MetadataRecord {
  const { bytes } = SCRAM_MECHANISMS[mechanism];
  const keys = { storedKey: random.bytes(bytes), serverKey: random.bytes(bytes) };
  return scramCredentialRecord(NOBODY, mechanism, { iterations, salt: random.bytes(16), ...keys });
}
