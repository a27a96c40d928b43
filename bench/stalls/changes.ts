// The big changes whose stalls are measured, as a client makes them.

import {
  AlterClientQuotas,
  AlterUserScramCredentials,
  CreateAcls,
  CreateTopics,
  DeleteAcls,
  DeleteTopics,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeUserScramCredentials,
  ErrorCode,
  Metadata,
} from "@tarpan/protocol";
import type { Connection } from "../connection.ts";

export interface Phase {
  readonly name: string;
  run(connection: Connection): Promise<void>;
}

const ANY = 1;
const ACLS = 100_000;
const BATCH = 1_000;
const PRINCIPALS = 20;
const USERS = 10_000;
/** Kafka's numbers of a topic, a literal name, WRITE and ALLOW. */
const ALLOW_WRITE = { resourceType: 2, resourcePatternType: 3, operation: 4, permissionType: 3 };
const ALL = {
  ...{ resourceTypeFilter: ANY, resourceNameFilter: null, patternTypeFilter: ANY },
  ...{ principalFilter: null, hostFilter: null, operation: ANY, permissionType: ANY },
};
const TIMEOUT_MS = 120_000;

function check(what: string, errorCodes: readonly { readonly errorCode: number }[]): void {
  const failed = errorCodes.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (failed !== undefined) throw new Error(`${what}: error ${failed.errorCode}`);
}

/** One after another, `count` in requests of `BATCH`. */
async function inBatches(count: number, request: (numbers: number[]) => Promise<void>) {
  for (let first = 0; first < count; first += BATCH) {
    await request(Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => first + i));
  }
}

const createAcls: Phase = {
  name: `create ${ACLS} ACLs, ${BATCH} a request`,
  run: (connection) =>
    inBatches(ACLS, async (numbers) => {
      const creations = numbers.map((i) => {
        const principal = `User:user-${i % PRINCIPALS}`;
        return { ...ALLOW_WRITE, resourceName: `topic-${i}`, principal, host: "*" };
      });
      check("CreateAcls", (await connection.request(CreateAcls, 3, { creations })).results);
    }),
};

const createAgain: Phase = { ...createAcls, name: "create the same again" };

const describeAcls: Phase = {
  name: `describe ${ACLS} ACLs, five times`,
  async run(connection) {
    for (let i = 0; i < 5; i++)
      check("DescribeAcls", [await connection.request(DescribeAcls, 3, ALL)]);
  },
};

const deleteByName: Phase = {
  name: `delete ${ACLS / 10} by their names, ${BATCH} a request`,
  run: (connection) =>
    inBatches(ACLS / 10, async (numbers) => {
      const filters = numbers.map((i) => ({
        ...ALL,
        resourceNameFilter: `topic-${i}`,
        patternTypeFilter: 3,
      }));
      check("DeleteAcls", (await connection.request(DeleteAcls, 3, { filters })).filterResults);
    }),
};

const deleteByPrincipal: Phase = {
  name: `delete the others, ${ACLS / PRINCIPALS} a request`,
  async run(connection) {
    for (let i = 0; i < PRINCIPALS; i++) {
      const filters = [{ ...ALL, principalFilter: `User:user-${i}` }];
      check("DeleteAcls", (await connection.request(DeleteAcls, 3, { filters })).filterResults);
    }
  },
};

const createUsers: Phase = {
  name: `create ${USERS} users, ${BATCH} a request`,
  run: (connection) =>
    inBatches(USERS, async (numbers) => {
      const upsertions = numbers.map((i) => {
        const bytes = {
          salt: new Uint8Array(16).fill(i),
          saltedPassword: new Uint8Array(32).fill(i),
        };
        return { name: `user-${i}`, mechanism: 1, iterations: 4096, ...bytes };
      });
      const request = { deletions: [], upsertions };
      check("Users", (await connection.request(AlterUserScramCredentials, 0, request)).results);
    }),
};

const describeUsers: Phase = {
  name: `describe ${USERS} users`,
  async run(connection) {
    check("Users", [await connection.request(DescribeUserScramCredentials, 0, { users: null })]);
  },
};

function alterQuotas(name: string, remove: boolean): Phase {
  return {
    name,
    run: (connection) =>
      inBatches(USERS, async (numbers) => {
        const entries = numbers.map((i) => ({
          entity: [{ entityType: "user", entityName: `user-${i}` }],
          ops: [{ key: "producer_byte_rate", value: 1e6, remove }],
        }));
        const request = { entries, validateOnly: false };
        check("Quotas", (await connection.request(AlterClientQuotas, 1, request)).entries);
      }),
  };
}

const describeQuotas: Phase = {
  name: `describe ${USERS} quotas`,
  async run(connection) {
    const request = { components: [], strict: false };
    check("Quotas", [await connection.request(DescribeClientQuotas, 1, request)]);
  },
};

const deleteUsers: Phase = {
  name: `delete ${USERS} users, ${BATCH} a request`,
  run: (connection) =>
    inBatches(USERS, async (numbers) => {
      const deletions = numbers.map((i) => ({ name: `user-${i}`, mechanism: 1 }));
      const request = { deletions, upsertions: [] };
      check("Users", (await connection.request(AlterUserScramCredentials, 0, request)).results);
    }),
};

export const acls: readonly Phase[] = [
  createAcls,
  createAgain,
  describeAcls,
  deleteByName,
  deleteByPrincipal,
];

export const users: readonly Phase[] = [
  createUsers,
  describeUsers,
  alterQuotas(`set ${USERS} quotas, ${BATCH} a request`, false),
  describeQuotas,
  alterQuotas(`remove ${USERS} quotas, ${BATCH} a request`, true),
  deleteUsers,
];

/** Until a snapshot of `ACLS` was taken: the log must have four times its records. */
export const snapshots: readonly Phase[] = [
  createAcls,
  {
    name: "delete and create half of them, seven times: snapshots",
    async run(connection) {
      for (let round = 0; round < 7; round++) {
        for (let i = 0; i < PRINCIPALS / 2; i++) {
          const filters = [{ ...ALL, principalFilter: `User:user-${i}` }];
          check("DeleteAcls", (await connection.request(DeleteAcls, 3, { filters })).filterResults);
        }
        await createAcls.run(connection);
      }
    },
  },
];

/** `count` topics of one partition in as few requests as possible. */
export function topics(count: number, replicationFactor: number): readonly Phase[] {
  const names = (numbers: readonly number[]) => numbers.map((i) => `many-${i}`);
  return [
    {
      name: `create ${count} topics, ${BATCH} a request`,
      run: (connection) =>
        inBatches(count, async (numbers) => {
          const asked = names(numbers).map((name) => {
            return { name, numPartitions: 1, replicationFactor, assignments: [], configs: [] };
          });
          const request = { topics: asked, timeoutMs: TIMEOUT_MS };
          check("CreateTopics", (await connection.request(CreateTopics, 7, request)).topics);
        }),
    },
    {
      name: "metadata of all topics, five times",
      async run(connection) {
        for (let i = 0; i < 5; i++) await connection.request(Metadata, 12, { topics: null });
      },
    },
    {
      name: `delete ${count} topics, ${BATCH} a request`,
      run: (connection) =>
        inBatches(count, async (numbers) => {
          const request = { topicNames: names(numbers), timeoutMs: TIMEOUT_MS };
          check("DeleteTopics", (await connection.request(DeleteTopics, 5, request)).responses);
        }),
    },
  ];
}
