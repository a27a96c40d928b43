import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Admin, Client } from "@tarpan/client";
import { expect } from "vitest";
import { type Cluster, clusterOfTest } from "../harness/cluster.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";

const AUTHORIZER = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
};

const CHANGES = {
  user: (admin: Admin) => {
    const credential = { mechanism: "SCRAM-SHA-256", password: "secret" } as const;
    return admin.upsertUserScramCredential("alice", credential);
  },
  acl: (admin: Admin) => {
    const what = { resourceType: "topic", resourceName: "t", patternType: "literal" } as const;
    const who = { principal: "User:alice", host: "*" };
    return admin.createAcls([{ ...what, ...who, operation: "read", permission: "allow" }]);
  },
  quota: (admin: Admin) => admin.alterClientQuotas({ user: "alice" }, { producer_byte_rate: 1e6 }),
};

type Change = keyof typeof CHANGES;

/** A rolling upgrade from one release to another, in which some changes must wait for its end. */
export class RollingUpgrade {
  readonly cluster: Cluster;
  readonly #directory: string;
  readonly #from: string;
  readonly #to: string;
  #topics = 0;

  constructor(directory: string, { from, to }: { readonly from: string; readonly to: string }) {
    this.#directory = directory;
    this.#from = from;
    this.#to = to;
    const flags = (nodeId: number) => ["--config", this.#configure(nodeId, {})];
    this.cluster = clusterOfTest({ program: from, flags });
  }

  upgrade(node: ClusterNode): Promise<void> {
    return this.#replace(node, this.#to, AUTHORIZER);
  }

  goBack(node: ClusterNode): Promise<void> {
    return this.#replace(node, this.#from, {});
  }

  async #replace(node: ClusterNode, program: string, kafka: object): Promise<void> {
    if (node.running) expect(await node.stop()).toBe(0);
    node.broker.program = program;
    this.#configure(node.nodeId, kafka);
    await node.start();
    await this.cluster.settled();
  }

  /** Any broker may have become the controller. Restarts the others until it is one of these. */
  async controlledBy(...nodes: readonly ClusterNode[]): Promise<void> {
    for (;;) {
      const { controllerId } = await this.cluster.node(0).status();
      if (nodes.some(({ nodeId }) => nodeId === controllerId)) return;
      await this.cluster.byId(controllerId).restart();
      await this.cluster.settled();
    }
  }

  async changed(at: ClusterNode, ...changes: readonly Change[]): Promise<void> {
    for (const change of changes) await this.#asked(at, CHANGES[change]);
  }

  async refused(at: ClusterNode, why: RegExp, ...changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      const asked = this.#asked(at, CHANGES[change]);
      await expect(asked).rejects.toMatchObject({ code: "TARPAN_KAFKA_UNSUPPORTED_VERSION" });
      await expect(asked).rejects.toThrow(why);
    }
  }

  /** All brokers run, and take part in a change that every release knows. */
  async isWell(): Promise<void> {
    const name = `topic-${this.#topics++}`;
    const spec = { name, partitions: 3, replicas: 3 };
    await this.#asked(this.cluster.node(0), (admin) => admin.createTopic(spec));
    for (const node of this.cluster.nodes) {
      expect(node.running).toBe(true);
      expect(await this.#asked(node, (admin) => admin.listTopics())).toContainEqual(
        expect.objectContaining({ name }),
      );
    }
  }

  async #asked<T>({ bootstrap }: ClusterNode, ask: (admin: Admin) => Promise<T>): Promise<T> {
    const client = new Client({ bootstrap });
    return ask(new Admin(client)).finally(() => client.close());
  }

  #configure(nodeId: number, kafka: object): string {
    mkdirSync(this.#directory, { recursive: true });
    const path = join(this.#directory, `broker-${nodeId}.yaml`);
    writeFileSync(path, JSON.stringify({ kafka }));
    return path;
  }
}
