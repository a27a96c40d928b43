import { ErrorCode, type RequestOf, type ResponseInput, UpdateFeatures } from "@tarpan/protocol";
import { UpgradeType } from "../metadata/decide-update-features.ts";
import { DONE, refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * UpdateFeatures: v0-2, flexible (KIP-584).
 * v0 a flag allows a downgrade · v1 upgrade types, validate only (KIP-778) · v2 no results of
 * single features (KIP-1022). All updates are made, or none: an error is one of the whole request,
 * as in Kafka. Unlike in Kafka 4.4 the flag of v0 counts: it allows a safe downgrade.
 * Level 0 of group.version turns off the consumer protocol; levels of transaction.version below 2
 * turn off the epochs of single transactions. The level of metadata.version is for Kafka's tools
 * only.
 */
export const updateFeatures = handler({
  api: UpdateFeatures,
  versions: "0-2",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof UpdateFeatures>;
type Response = ResponseInput<typeof UpdateFeatures>;

async function handle(request: Request, { services, version }: RequestContext): Promise<Response> {
  const { featureUpdates, validateOnly, timeoutMs } = request;
  const updates = featureUpdates.map((update) => ({
    name: update.feature,
    level: update.maxVersionLevel,
    upgradeType:
      version === 0 && update.allowDowngrade ? UpgradeType.safeDowngrade : update.upgradeType,
  }));
  const { controller } = services.metadata;
  const outcome = await controller.updateFeatures({ updates, validateOnly, timeoutMs });
  if (outcome.errorCode !== ErrorCode.NONE) return { ...outcome, results: [] };
  if (!validateOnly) {
    for (const { name, level } of updates) {
      services.logger.warn(`the level of the feature ${name} is ${level} now`);
    }
  }
  return { ...DONE, results: updates.map(({ name }) => ({ feature: name, ...DONE })) };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), results: [] };
}
