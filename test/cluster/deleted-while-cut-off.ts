import { Admin, Client } from "@tarpan/client";
import { ErrorCode, Metadata } from "@tarpan/protocol";
import { expect } from "vitest";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import { authenticateScram } from "../../packages/broker/test/sasl/sasl-client.ts";
import { clusterOfTest } from "../harness/cluster.ts";
import type { Host } from "../harness/cluster-network.ts";

const USERS_PORT = 9093;
const MECHANISM = "SCRAM-SHA-512";
const PASSWORD = "b-secret";
const LIMIT_MS = 30_000;
const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };

/** A user is deleted while a broker is cut off from the others, but not from its clients. */
export async function deletedWhileCutOff(hosts: readonly Host[]): Promise<void> {
  const cluster = clusterOfTest({
    hosts,
    flags: (nodeId, port) => {
      const { clientAddress } = hosts[nodeId - 1]!;
      const listeners = `OPEN://${clientAddress}:${port},USERS://${clientAddress}:${USERS_PORT}`;
      const configs = [
        `listeners=${listeners}`,
        "listener.security.protocol.map=OPEN:PLAINTEXT,USERS:SASL_PLAINTEXT",
        `sasl.enabled.mechanisms=${MECHANISM}`,
      ];
      return configs.flatMap((config) => ["--kafka", config]);
    },
  });
  await cluster.start();
  // With another controller the deletion does not have to wait for an election.
  const { controllerId } = await cluster.node(0).status();
  const node = cluster.nodes.find(({ nodeId }) => nodeId !== controllerId)!;
  const others = cluster.nodes.filter((other) => other !== node);
  const asAdmin = async (work: (admin: Admin) => Promise<void>) => {
    const client = new Client({ bootstrap: others.map(({ bootstrap }) => bootstrap) });
    await work(new Admin(client)).finally(() => client.close());
  };
  const password = { mechanism: MECHANISM, password: PASSWORD } as const;
  await asAdmin((admin) => admin.upsertUserScramCredential("bob", password));
  const { clientAddress, cutOff, join } = hosts[node.nodeId - 1]!;
  const logIn = async (host: string) => {
    const client = KafkaSocket.plain(USERS_PORT, host);
    const answer = await authenticateScram(client, MECHANISM, "bob", PASSWORD).catch(() => null);
    return { client, code: answer?.errorCode ?? "closed" };
  };
  const isKnown = async () => (await logIn(clientAddress)).code;
  await expect.poll(isKnown, { timeout: LIMIT_MS }).toBe(ErrorCode.NONE);
  await cutOff("brokers");
  const asks = async () => {
    using client = KafkaSocket.plain(node.broker.port, clientAddress);
    return await client.send(Metadata, 12, ALL_TOPICS).then(
      () => "served",
      () => "closed",
    );
  };
  await expect.poll(asks, { timeout: LIMIT_MS }).toBe("closed");
  await asAdmin((admin) => admin.deleteUserScramCredential("bob", MECHANISM));
  const { client, code } = await logIn(clientAddress);
  await join("brokers");
  await cluster.settled();
  await expect.poll(asks, { timeout: LIMIT_MS }).toBe("served");
  const served = client.send(Metadata, 12, ALL_TOPICS).then(
    () => "served",
    () => "closed",
  );
  // The broker knew no better, and has to serve nothing for it.
  expect([code, await served]).toEqual([ErrorCode.NONE, "closed"]);
  const refused = ErrorCode.SASL_AUTHENTICATION_FAILED;
  await expect.poll(isKnown, { timeout: LIMIT_MS }).toBe(refused);
}
