import {
  codecOf,
  Reader,
  type RequestInput,
  type ResponseInput,
  rangeOf,
  Writer,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { clusterOperations } from "../../src/cluster/cluster-operations.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { LocalController } from "../../src/metadata/local-controller.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { localForm } from "../../src/metadata/operation.ts";
import { operations } from "../../src/metadata/operations.ts";
import { DONE, refused } from "../../src/metadata/outcome.ts";
import type { AnyControllerApi } from "../../src/rpc/messages/controller.ts";
import { FakeHost, LOG_OPTIONS, spec, testEnv } from "../metadata/support.ts";

type Values = Readonly<Record<string, unknown>>;
type Name = keyof typeof clusterOperations;

const SET = { name: "retention.ms", operation: 0, value: "5" };
const DELETE = { name: "segment.ms", operation: 1, value: null };
const CONFIGS = [{ name: "retention.ms", value: "1" }];
const ASSIGNED = [{ partitionIndex: 0, brokerIds: [1] }];

const ACL = {
  ...{ resourceType: 2, resourceName: "ü", patternType: 4, principal: "User:a", host: "*" },
  ...{ operation: 3, permissionType: 2 },
};

/** In an order in which one makes what the next one needs. */
const REQUESTS: { readonly [Row in Name]?: readonly unknown[] } = {
  registerBroker: [
    {
      ...{ id: 1, incarnationId: "11111111-1111-1111-1111-111111111111", host: "h", port: 65_535 },
      ...{ rack: null, unclean: false, returning: false, features: [] },
      endPoints: null,
    },
    {
      ...{ id: 1, incarnationId: "22222222-2222-2222-2222-222222222222", host: "h", port: 1 },
      ...{ rack: "é", unclean: true, returning: true },
      features: [{ name: "f", minVersion: 0, maxVersion: 32_767 }],
      endPoints: [{ name: "OUTSIDE", host: "h", port: 65_535, securityProtocol: 3 }],
    },
  ],
  allocateProducerIds: [{ nodeId: 1 }],
  createTopics: [
    {
      topics: [
        spec("t", { configs: CONFIGS }),
        spec("t_"),
        spec("t."),
        spec("a", { assignments: ASSIGNED, numPartitions: -1, replicationFactor: -1 }),
        spec("null", { configs: [{ name: "retention.ms", value: null }] }),
      ],
      validateOnly: false,
      internal: false,
    },
  ],
  createOffsetsTopic: [{}],
  createTransactionTopic: [{}],
  createHeldTopic: [{ name: "__delayed" }],
  createPartitions: [
    {
      topics: [
        { name: "t", count: 2, assignments: null },
        { name: "a", count: 2, assignments: [{ brokerIds: [1] }] },
        { name: "t", count: 1, assignments: [] },
      ],
      validateOnly: false,
    },
  ],
  alterConfigs: [
    {
      resources: [{ type: 2, name: "t", replace: false, changes: [SET, DELETE] }],
      validateOnly: false,
      nodeId: 1,
    },
    {
      resources: [{ type: 4, name: "", replace: true, changes: [] }],
      validateOnly: true,
      nodeId: 1,
    },
  ],
  electLeaders: [
    { type: 0, partitions: null, timeoutMs: 1 },
    { type: 1, partitions: [{ topic: "t", partitions: [0, 9] }], timeoutMs: 2 ** 31 - 1 },
  ],
  alterReassignments: [
    {
      topics: [
        {
          name: "t",
          partitions: [
            { partitionIndex: 0, replicas: [1] },
            { partitionIndex: 1, replicas: null },
          ],
        },
      ],
      allowReplicationFactorChange: false,
      timeoutMs: 1,
    },
  ],
  listReassignments: [{ topics: null }, { topics: [{ name: "t", partitionIndexes: [0] }] }],
  updateFeatures: [
    {
      updates: [{ name: "f", level: -1, upgradeType: 3 }],
      ...{ validateOnly: true, timeoutMs: 2 ** 31 - 1 },
    },
  ],
  createAcls: [{ acls: [ACL, { ...ACL, principal: "nobody" }] }],
  deleteAcls: [
    { filters: [ACL, { ...ACL, ...{ resourceName: null, principal: null, host: null } }] },
    { filters: [{ ...ACL, operation: 99 }] },
  ],
  unregisterBroker: [{ brokerId: 1 }],
  alterUsers: [
    {
      deletions: [{ name: "nobody", mechanism: 1 }],
      upsertions: [
        {
          ...{ name: "a", mechanism: 2, iterations: 4096 },
          ...{ salt: Buffer.of(1), saltedPassword: Buffer.of(2) },
        },
      ],
    },
  ],
  alterQuotas: [
    {
      entries: [
        {
          entity: [
            { entityType: "user", entityName: "a" },
            { entityType: "client-id", entityName: null },
          ],
          ops: [
            { key: "producer_byte_rate", value: 1.5, remove: false },
            { key: "consumer_byte_rate", value: 0, remove: true },
          ],
        },
      ],
      validateOnly: false,
    },
  ],
  describeQuorum: [{}],
  deleteTopics: [
    {
      topics: [
        { name: "t", id: null },
        { name: null, id: "11111111-1111-1111-1111-111111111111" },
      ],
    },
  ],
};

/** What only a cluster answers, and what a broker alone never has to say. */
const MORE: { readonly [Row in Name]?: readonly (readonly [request: Values, response: Values])[] } =
  {
    leaveCluster: [[{ brokerId: 1, incarnationId: "life" }, {}]],
    removeBroker: [[{ brokerId: 1 }, { ...refused(41), partitionsLeft: -1, done: false }]],
    metadataEnd: [[{}, {}]],
    listReassignments: [
      [{ topics: [] }, { ...DONE, topics: [{ name: "t", partitions: [moving()] }] }],
    ],
    describeQuorum: [
      [
        {},
        {
          ...{ leaderId: 1, leaderEpoch: 3, highWatermark: 2 ** 53 - 1, observers: [] },
          voters: [{ id: 1, logEndOffset: 2 ** 40, lastFetchMs: -1, lastCaughtUpMs: 1.7e12 }],
        },
      ],
    ],
  };

it("every operation has a message of its name", () => {
  for (const [row, { api }] of Object.entries(clusterOperations)) {
    expect(api.name).toBe(row[0]!.toUpperCase() + row.slice(1));
  }
});

it("requests and responses come out of their messages as they went in", async () => {
  const seen = new Set<string>();
  const same = (row: string, request: Values, response: Values) => {
    const { api } = clusterOperations[row as Name] as { api: AnyControllerApi };
    seen.add(row);
    const envelope = { ...DONE, metadataEnd: 2 ** 40, response };
    expect(sent(api, request, envelope), row).toStrictEqual([request, envelope]);
  };
  const form = await standaloneController();
  for (const [row, requests] of Object.entries(REQUESTS)) {
    for (const request of requests) {
      const carryOut = form[row as keyof typeof form] as (request: unknown) => Promise<Values>;
      same(row, request as Values, await carryOut(request));
    }
  }
  for (const [row, pairs] of Object.entries(MORE)) {
    for (const [request, response] of pairs) same(row, request, response);
  }
  expect([...seen].sort()).toEqual(Object.keys(clusterOperations).sort());
});

function moving() {
  return { partition: 0, replicas: [1, 2, 3], adding: [3], removing: [1] };
}

/** Through the bytes that another broker gets. */
function sent(
  api: AnyControllerApi,
  request: RequestInput<AnyControllerApi>,
  response: ResponseInput<AnyControllerApi>,
): unknown[] {
  const codec = codecOf(api, rangeOf(api.versions).max);
  const [asked, answered] = [new Writer(), new Writer()];
  codec.writeRequest(asked, request);
  codec.writeResponse(answered, response);
  const read = (writer: Writer) => new Reader(Buffer.concat(writer.finish()));
  return [codec.readRequest(read(asked)), codec.readResponse(read(answered))];
}

async function standaloneController() {
  const log = await new MemoryEngine(testEnv()).create(METADATA_LOG, LOG_OPTIONS);
  const options = { log, host: new FakeHost(), env: testEnv(), nodeId: 1, kafkaConfigs: {} };
  return localForm(operations, await LocalController.open(options));
}
