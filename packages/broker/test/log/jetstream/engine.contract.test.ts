import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { nodeEnv } from "../../../src/env/node-env.ts";
import { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import { NatsTransport } from "../../../src/log/jetstream/nats-transport.ts";
import type { ReplicatedLogOptions } from "../../../src/log/replication.ts";
import { logContract } from "../../contract/log.contract.ts";
import { SeededRandom } from "../../env/seeded-random.ts";
import { ModelJetStream } from "./model-jetstream.ts";
import {
  deleteStreams,
  type NatsServers,
  NO_SERVER,
  natsServerPath,
  startNatsServers,
} from "./nats-servers.ts";

const path = natsServerPath();

for (const count of [1, 3] as const)
  describe(`jetstream on ${count} nats-server`, () => {
    let servers: NatsServers;
    let connection: NatsConnection;
    beforeAll(async () => {
      if (!path) return;
      servers = await startNatsServers(path, count);
      connection = await servers.connect();
    });
    afterAll(async () => {
      await connection?.close();
      await servers?.stop();
    });
    beforeEach(async (context) => {
      if (!path) context.skip(NO_SERVER);
      await deleteStreams(connection);
    });

    logContract(`jetstream, ${count} replicas`, () => {
      const open = async () => {
        const transport = new NatsTransport(connection, nodeEnv);
        const engine = new JetStreamEngine({
          transport,
          env: nodeEnv,
          placement: servers.placement,
        });
        return count === 1 ? engine : withReplicas(engine, [1, 2, 3]);
      };
      return { open, reopen: open, dispose: async () => {} };
    });
  });

/** Adds replicas to every log, because the contract does not know them. */
function withReplicas(engine: JetStreamEngine, replicas: readonly number[]): JetStreamEngine {
  const create = engine.create.bind(engine);
  engine.create = (id, options) => {
    const shared: ReplicatedLogOptions = { ...options, replicas };
    return create(id, shared);
  };
  return engine;
}

logContract("jetstream on the model", () => {
  const random = new SeededRandom(1);
  const model = new ModelJetStream({ env: nodeEnv, random });
  const open = async () => new JetStreamEngine({ transport: model.connect(), env: nodeEnv });
  return { open, reopen: open, dispose: async () => {} };
});
