import { NatsTransport } from "../log/jetstream/nats-transport.ts";
import { removeServerOf } from "../nats/remove-server.ts";
import { startEngine } from "../nats/start-engine.ts";
import { NatsBus } from "../rpc/nats-bus.ts";
import type { StartServers } from "./cluster-servers.ts";

/** Uses a nats-server that this broker runs, or external ones. */
export const startNatsServers: StartServers = async (cluster, options) => {
  const nats = await startEngine(cluster, options);
  const { nc, admin, server } = nats;
  return {
    transport: new NatsTransport(nc, options.env),
    bus: new NatsBus(nc),
    removeServer: admin && ((brokerId) => removeServerOf(admin, brokerId)),
    restartServer: server && (() => server.restart()),
    get problem() {
      return nats.problem;
    },
    facts: () => nats.facts(),
    stop: () => nats.stop(),
  };
};
