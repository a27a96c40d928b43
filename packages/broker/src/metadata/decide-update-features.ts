import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed-state.ts";
import {
  METADATA_VERSION,
  RECORDS_CHANGED_AT,
  SUPPORTED_FEATURES,
  type SupportedFeature,
} from "./features.ts";
import type { MetadataImage } from "./image.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { METADATA_LEVEL } from "./record-levels.ts";
import { featureRecord, type MetadataRecord } from "./records.ts";

/** In which direction a level may change (KIP-778). */
export const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const;

export interface FeatureUpdate {
  readonly name: string;
  readonly level: number;
  /** See UpgradeType. */
  readonly upgradeType: number;
}

export interface UpdateFeaturesRequest {
  readonly updates: readonly FeatureUpdate[];
  readonly validateOnly: boolean;
  readonly timeoutMs: number;
}

/** All updates are made, or none. Of several of one feature the last one counts, as in Kafka. */
export function decideUpdateFeatures(
  image: MetadataImage,
  { updates, validateOnly }: UpdateFeaturesRequest,
): Decision<MetadataRecord, Outcome> {
  const records: MetadataRecord[] = [];
  for (const update of new Map(updates.map((one) => [one.name, one])).values()) {
    const { name, level } = update;
    const problem = problemOf(update, image);
    if (problem !== null) {
      const text = `no feature was changed: ${name} can't be set to level ${level}: ${problem}`;
      return { records: [], response: refused(ErrorCode.INVALID_UPDATE_VERSION, text) };
    }
    if (level !== levelOf(name, image)) records.push(featureRecord(name, level));
  }
  return { records: validateOnly ? [] : records, response: DONE };
}

function levelOf(name: string, { features }: MetadataImage): number {
  return features.get(name) ?? 0;
}

function problemOf(update: FeatureUpdate, image: MetadataImage): string | null {
  const { name, level, upgradeType } = update;
  const current = levelOf(name, image);
  if (!Object.values<number>(UpgradeType).includes(upgradeType)) {
    return `there is no upgrade type ${upgradeType}`;
  }
  const unsupported = unsupportedBy(update, image);
  if (unsupported !== null) return unsupported;
  const isUpgrade = upgradeType === UpgradeType.upgrade;
  if (level < current && isUpgrade) {
    return `it is at level ${current}, so this must be a safe or an unsafe downgrade`;
  }
  if (level > current && !isUpgrade) return `it is at level ${current}, so this is no downgrade`;
  const isBehind = (changedAt: number) => level < changedAt && changedAt <= current;
  if (name === METADATA_VERSION && RECORDS_CHANGED_AT.some(isBehind)) {
    return `it is at level ${current}, and older releases of Kafka could not read the metadata`;
  }
  if (name === METADATA_LEVEL && level < current) {
    return `it is at level ${current}, and older releases could not read the metadata`;
  }
  return null;
}

/**
 * As in Kafka, the controller and every registered broker must support the level, also a broker
 * that is down. A broker of a release without UpdateFeatures registers without features, and so
 * does any broker while such a one is the controller: then no level changes, not even to 0.
 */
function unsupportedBy({ name, level }: FeatureUpdate, { brokers }: MetadataImage): string | null {
  const own = reasonAgainst("the controller", level, find(name, SUPPORTED_FEATURES));
  if (own !== null) return own;
  for (const { id, features } of brokers.values()) {
    if (features.length === 0) {
      return `broker ${id} has not said what it supports: upgrade or restart it, or remove it`;
    }
    const reason = reasonAgainst(`broker ${id}`, level, find(name, features));
    if (reason !== null) return reason;
  }
  return null;
}

function find(name: string, features: readonly SupportedFeature[]): SupportedFeature | undefined {
  return features.find((feature) => feature.name === name);
}

function reasonAgainst(
  who: string,
  level: number,
  supported: SupportedFeature | undefined,
): string | null {
  if (supported === undefined) return `${who} does not support this feature`;
  const { minVersion, maxVersion } = supported;
  if (minVersion <= level && level <= maxVersion) return null;
  return `${who} supports levels ${minVersion} to ${maxVersion}`;
}
