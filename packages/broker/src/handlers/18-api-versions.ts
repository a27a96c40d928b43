import {
  ApiVersions,
  ErrorCode,
  Produce,
  type RequestOf,
  type ResponseInput,
  rangeOf,
} from "@tarpan/protocol";
import { SUPPORTED_FEATURES } from "../metadata/features.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type Handler, handler, type RequestContext } from "./handler.ts";

/**
 * ApiVersions: v0-5.
 * v1 throttle time · v3 flexible, client software (KIP-511), features (KIP-584) · v4 features may
 * begin at version 0 · v5 the cluster and broker that the client means to reach (KIP-1242): if this
 * is another one, the client's metadata is outdated, and the answer is REBOOTSTRAP_REQUIRED.
 * `group.version` 1 tells clients that the consumer protocol (KIP-848) is served. A higher version
 * is answered as v0 with UNSUPPORTED_VERSION and the list, so that a newer client can choose a
 * version.
 */
export function apiVersionsOf(handlers: readonly Handler[]): Handler {
  const list = () => [...handlers, own].map(advertise).sort((a, b) => a.apiKey - b.apiKey);
  const own: Handler = handler({
    api: ApiVersions,
    versions: "0-5",
    authorize: [],
    handle: (request, context) => {
      const errorCode = validate(request, context);
      if (errorCode !== ErrorCode.NONE) return { errorCode, apiKeys: [] };
      const features = featuresOf(context.services.metadata, context.version);
      return { errorCode, apiKeys: list(), ...features };
    },
    failure: (_request, errorCode) => ({ errorCode, apiKeys: list() }),
  });
  return own;
}

type Request = RequestOf<typeof ApiVersions>;
type Response = ResponseInput<typeof ApiVersions>;

/** Clients up to v3 refuse features that begin at 0, so these are sent from v4 on (KIP-1022). */
const ZERO_FEATURE_VERSION = 4;

function featuresOf(metadata: Metadata, version: number): Partial<Response> {
  const isSent = (minVersion: number) => minVersion > 0 || version >= ZERO_FEATURE_VERSION;
  return {
    supportedFeatures: SUPPORTED_FEATURES.filter(({ minVersion }) => isSent(minVersion)),
    // Clients keep the levels with the largest epoch, whichever broker told them.
    finalizedFeaturesEpoch: metadata.imageOffset,
    finalizedFeatures: [...metadata.image.features]
      .filter(([, level]) => level > 0)
      .map(([name, level]) => ({ name, minVersionLevel: level, maxVersionLevel: level })),
  };
}

function advertise({ api, versions }: Handler) {
  const { min, max } = rangeOf(versions);
  // librdkafka turns features off unless Produce begins at 0 (KAFKA-18659).
  return { apiKey: api.key, minVersion: api.key === Produce.key ? 0 : min, maxVersion: max };
}

/** The names and versions of client software that KIP-511 allows. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

const NO_NODE = -1;

function validate(request: Request, { version, services }: RequestContext): number {
  if (version < 3) return ErrorCode.NONE;
  const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request;
  if (!SOFTWARE.test(clientSoftwareName) || !SOFTWARE.test(clientSoftwareVersion)) {
    return ErrorCode.INVALID_REQUEST;
  }
  // A client names both or neither; before version 5 neither.
  if ((clusterId === null) !== (nodeId === NO_NODE)) return ErrorCode.INVALID_REQUEST;
  if (clusterId === null) return ErrorCode.NONE;
  const { metadata } = services;
  const isMeant = clusterId === metadata.clusterId && nodeId === metadata.nodeId;
  return isMeant ? ErrorCode.NONE : ErrorCode.REBOOTSTRAP_REQUIRED;
}
