// What the APIs that change something say about their changes, for the audit log.
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  AlterClientQuotas,
  AlterConfigs,
  AlterPartitionReassignments,
  AlterUserScramCredentials,
  type Api,
  CreateAcls,
  CreatePartitions,
  CreateTopics,
  DeleteAcls,
  DeleteGroups,
  DeleteRecords,
  DeleteTopics,
  ElectLeaders,
  ErrorCode,
  errorOf,
  type Fields,
  IncrementalAlterConfigs,
  type Input,
  OffsetCommit,
  OffsetDelete,
  type Output,
  UnregisterBroker,
  UpdateFeatures,
  WriteTxnMarkers,
} from "@tarpan/protocol";
import type { Change } from "../audit/audit-event.ts";
import { ResourceType } from "../config/kafka/set-configs.ts";
import type { Acl } from "../security/acl.ts";
import { DENIED } from "../security/permission.ts";
import type { Handler } from "./handler.ts";

/** One change. Its operation is the name of the API. */
interface Made {
  readonly resource: string;
  readonly errorCode: number;
  readonly detail?: string | null;
  readonly isFrequent?: boolean;
}

type ChangesIn = (request: never, response: never) => readonly Made[];

const NONE: readonly Made[] = [];

function row<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  changesIn: (request: Output<Q>, response: Input<S>) => readonly Made[],
): [number, ChangesIn] {
  return [api.key, changesIn as ChangesIn];
}

const ROWS: ReadonlyMap<number, ChangesIn> = new Map([
  row(CreateTopics, ({ validateOnly }, { topics }) =>
    validateOnly ? NONE : topics.map(({ name, errorCode }) => ofTopic(name, errorCode)),
  ),
  row(DeleteTopics, (_, { responses }) =>
    responses.map(({ name, topicId, errorCode }) => ofTopic(name ?? topicId!, errorCode)),
  ),
  row(DeleteRecords, (_, { topics }) =>
    topics.map(({ name, partitions }) => ofTopic(name, firstOf(partitions))),
  ),
  row(WriteTxnMarkers, (_, { markers }) =>
    markers.flatMap(({ producerId, topics }) =>
      topics.map(({ name, partitions }) =>
        ofTopic(name, firstOf(partitions), `the transaction of producer ${producerId}`),
      ),
    ),
  ),
  row(CreateAcls, ({ creations }, { results }) =>
    creations.map(({ resourcePatternType: patternType, ...acl }, at) =>
      ofAcl({ ...acl, patternType, errorCode: results[at]?.errorCode ?? ErrorCode.NONE }),
    ),
  ),
  row(DeleteAcls, (_, { filterResults }) =>
    filterResults.flatMap(({ matchingAcls, errorCode }) =>
      errorCode === ErrorCode.NONE
        ? matchingAcls.map((acl) => ofAcl({ ...acl, patternType: acl.patternType! }))
        : [{ resource: "cluster", errorCode }],
    ),
  ),
  row(AlterConfigs, (request, { responses }) => ofConfigs(request, responses)),
  row(IncrementalAlterConfigs, (request, { responses }) => ofConfigs(request, responses)),
  row(CreatePartitions, ({ topics, validateOnly }, { results }) =>
    validateOnly
      ? NONE
      : results.map(({ name, errorCode }) => {
          const count = topics.find((topic) => topic.name === name)?.count;
          return ofTopic(name, errorCode, `${count} partitions`);
        }),
  ),
  row(DeleteGroups, (_, { results }) =>
    results.map(({ groupId, errorCode }) => ({ resource: `group:${groupId}`, errorCode })),
  ),
  row(ElectLeaders, (_, { replicaElectionResults: topics }) =>
    topics.map(({ topic, partitionResult }) => ofTopic(topic, firstOf(partitionResult))),
  ),
  row(AlterPartitionReassignments, (_, { errorCode, responses }) =>
    responses.map(({ name, partitions }) => ofTopic(name, errorCode || firstOf(partitions))),
  ),
  row(OffsetDelete, ({ groupId }, { errorCode, topics }) =>
    topics.map(({ name, partitions }) => ({
      resource: `group:${groupId}`,
      errorCode: errorCode || firstOf(partitions),
      detail: `offsets of topic:${name}`,
    })),
  ),
  row(AlterUserScramCredentials, ({ deletions }, { results }) =>
    results.map(({ user, errorCode }) => {
      const isDeleted = deletions.some(({ name }) => name === user);
      return { resource: `user:${user}`, errorCode, detail: isDeleted ? "deleted" : "set" };
    }),
  ),
  row(AlterClientQuotas, ({ entries, validateOnly }, response) =>
    validateOnly
      ? NONE
      : response.entries.map(({ entity, errorCode }, at) => ({
          resource: `quota:${entity.map(entityText).join(",")}`,
          errorCode,
          detail: entries[at]?.ops.map(quotaText).join(", ") ?? null,
        })),
  ),
  row(UpdateFeatures, ({ featureUpdates, validateOnly }, { errorCode }) =>
    validateOnly
      ? NONE
      : featureUpdates.map(({ feature, maxVersionLevel }) => {
          return { resource: `feature:${feature}`, errorCode, detail: `level ${maxVersionLevel}` };
        }),
  ),
  row(UnregisterBroker, ({ brokerId }, { errorCode }) => [
    { resource: `broker:${brokerId}`, errorCode },
  ]),
  // A commit without a member: a tool resets offsets, or a consumer without a group's members.
  row(OffsetCommit, ({ groupId, memberId, generationIdOrMemberEpoch }, { topics }) =>
    memberId !== "" || generationIdOrMemberEpoch >= 0
      ? NONE
      : [
          {
            resource: `group:${groupId}`,
            errorCode: firstOf(topics.flatMap(({ partitions }) => partitions)),
            isFrequent: true,
          },
        ],
  ),
]);

const CHANGING = ["create", "delete", "alter", "alterConfigs"];

/** Whether the API takes a permission to change something. Metadata creates topics by the way. */
export function isChanging({ api, authorize }: Handler): boolean {
  if (ROWS.has(api.key)) return true;
  const isAny = authorize.some(({ anyOf }) => anyOf.some((one) => CHANGING.includes(one)));
  return isAny && api.name !== "Metadata";
}

/** What a request has changed. An API without a row is named with the cluster as its resource. */
export function changesIn(
  { api }: Handler,
  request: unknown,
  response: unknown,
  errorCode: number,
): Change[] {
  const made = ROWS.get(api.key)?.(request as never, response as never);
  return (made ?? [{ resource: "cluster", errorCode }])
    .filter((one) => !REFUSALS.has(one.errorCode))
    .map(({ errorCode: code, detail = null, ...rest }) => ({
      ...{ operation: api.name, detail, ...rest },
      failure: code === ErrorCode.NONE ? null : errorOf(code).name,
    }));
}

/** They have lines of their own. */
const REFUSALS: ReadonlySet<number> = new Set(Object.values(DENIED));

function ofTopic(name: string, errorCode: number, detail: string | null = null): Made {
  return { resource: `topic:${name}`, errorCode, detail };
}

function firstOf(items: readonly { readonly errorCode: number }[]): number {
  return items.find(({ errorCode }) => errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE;
}

type AclResult = Acl & { readonly errorCode: number };

function ofAcl({ errorCode, ...acl }: AclResult): Made {
  const permission = nameIn(AclPermissionType, acl.permissionType);
  const operation = nameIn(AclOperation, acl.operation);
  const pattern = nameIn(AclPatternType, acl.patternType);
  return {
    resource: `${nameIn(AclResourceType, acl.resourceType)}:${acl.resourceName}`,
    errorCode,
    detail: `${permission} ${acl.principal} ${operation} (${pattern}) from ${acl.host}`,
  };
}

interface EntityPart {
  readonly entityType: string;
  readonly entityName?: string | null;
}

interface ConfigRequest {
  readonly validateOnly: boolean;
  readonly resources: readonly {
    readonly resourceType: number;
    readonly resourceName: string;
    readonly configs: readonly { readonly name: string }[];
  }[];
}

function entityText({ entityType, entityName = null }: EntityPart): string {
  return `${entityType}=${entityName ?? "<default>"}`;
}

function quotaText({ key, value, remove }: { key: string; value: number; remove: boolean }) {
  return remove ? `${key} removed` : `${key}=${value}`;
}

/** The names only: a value may be a password. */
function ofConfigs(
  { resources, validateOnly }: ConfigRequest,
  responses: readonly { readonly errorCode: number }[],
): readonly Made[] {
  if (validateOnly) return NONE;
  return resources.map(({ resourceType, resourceName, configs }, at) => ({
    resource: `${nameIn(ResourceType, resourceType)}:${resourceName}`,
    errorCode: responses[at]?.errorCode ?? ErrorCode.NONE,
    detail: configs.map(({ name }) => name).join(", "),
  }));
}

/** The number itself if it has no name. */
function nameIn(codes: Codes, code: number): string {
  let names = NAMES.get(codes);
  if (names === undefined) {
    names = new Map(Object.entries(codes).map(([name, value]) => [value, name]));
    NAMES.set(codes, names);
  }
  return names.get(code) ?? String(code);
}

type Codes = Readonly<Record<string, number>>;

/** By their codes: one request may change ten thousand ACLs. */
const NAMES = new Map<Codes, ReadonlyMap<number, string>>();
