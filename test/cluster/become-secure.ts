import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { TestAuthority } from "../../packages/broker/test/tls/certificates.ts";
import { clusterOfTest } from "../harness/cluster.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { RecordedRun } from "./load/recorded-run.ts";

/** The files of a cluster's brokers, which change from one start to the next. */
class Files {
  readonly #directory: string;
  readonly #authority = new TestAuthority();

  constructor(directory: string) {
    this.#directory = directory;
  }

  configure(nodeId: number, config: object): string {
    return this.#write(`broker-${nodeId}.yaml`, JSON.stringify(config));
  }

  withPassword() {
    return { cluster_password_file: this.#write("password", "s3cr3t") };
  }

  withTls(nodeId: number) {
    const { certificate, key } = this.#authority.issue(`broker-${nodeId}`, {
      hosts: ["127.0.0.1"],
    });
    return {
      ...this.withPassword(),
      cluster_tls_cert_file: this.#write(`${nodeId}.crt`, certificate),
      cluster_tls_key_file: this.#write(`${nodeId}.key`, key),
      cluster_tls_ca_file: this.#write("ca.crt", this.#authority.certificate),
    };
  }

  async stopped(node: ClusterNode, config: object): Promise<ClusterNode> {
    expect(await node.stop()).toBe(0);
    this.configure(node.nodeId, config);
    return node;
  }

  #write(name: string, text: string): string {
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(join(this.#directory, name), text);
    return join(this.#directory, name);
  }
}

/**
 * The steps of docs/cluster.md that close an open cluster, under load: first the password, broker
 * by broker and without a pause, then TLS, which two brokers must have before they serve again.
 */
export async function becomesSecure(): Promise<void> {
  const files = new Files(await temporaryDirectory());
  const cluster = clusterOfTest({
    flags: (nodeId) => ["--config", files.configure(nodeId, {})],
  });
  await cluster.start();
  const { bootstrap } = cluster;
  const run = await RecordedRun.begin({ bootstrap, topic: "becomes-secure", replicas: 3 });
  for (const node of cluster.nodes) {
    await (await files.stopped(node, files.withPassword())).start();
    await cluster.settled();
    await run.progress();
  }
  const [first, second, third] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
  // It waits for a second one.
  const started = (await files.stopped(first, files.withTls(first.nodeId))).start();
  await run.progress();
  const sinceMs = performance.now();
  const both = (await files.stopped(second, files.withTls(second.nodeId))).start();
  await Promise.all([both, started]);
  // The third one has no majority any more, but a consumer of kafkajs stays with it.
  await run.progress({ kafkajs: false });
  console.log(`served nothing for less than ${Math.round(performance.now() - sinceMs)} ms`);
  await (await files.stopped(third, files.withTls(third.nodeId))).start();
  await cluster.settled();
  await run.progress();
  await run.finish();
}
