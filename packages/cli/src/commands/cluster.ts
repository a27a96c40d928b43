import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";

const actions: Actions = {
  up: {
    summary: "run brokers on this machine, one process each",
    run: async (args, io) => (await import("../cluster/up.ts")).clusterUp(args, io),
  },
  status: {
    summary: "show brokers, engine and partitions",
    run: async (args, io) => (await import("../cluster/status.ts")).clusterStatus(args, io),
  },
  remove: {
    summary: "move a broker's replicas, then remove it",
    run: async (args, io) => (await import("../cluster/remove.ts")).removeBroker(args, io),
  },
};

export const cluster: Command = {
  name: "cluster",
  summary: "Run a whole cluster on this machine, show a cluster's status, remove a broker.",
  usage: [
    "up     [--brokers N] [--bind-port PORT] [--raft-port PORT] [--data-dir DIR] [-- FLAGS]",
    "status [--internal]",
    "remove --node-id N",
  ],
  options: [
    { name: "brokers", argument: "N", help: "up: number of brokers, 3 to 9 (3)" },
    { name: "bind-addr", argument: "HOST", help: "up: address to listen on (127.0.0.1)" },
    {
      name: "bind-port",
      argument: "PORT",
      help: "up: first broker's port, the others follow; 0: free ports (9092)",
    },
    {
      name: "raft-port",
      argument: "PORT",
      help: "up: first broker's raft port, likewise (7001)",
    },
    {
      name: "data-dir",
      argument: "DIR",
      help: "up: will contain a directory for each broker (./data/cluster)",
    },
    ...BOOTSTRAP_OPTIONS,
    { name: "internal", help: "status: list all internal topics too" },
    { name: "node-id", argument: "N", help: "remove: the broker to remove" },
    ...JSON_OPTIONS.map((option) => ({ ...option, help: `status, remove: ${option.help}` })),
  ],
  examples: [
    "tarpan cluster up",
    "tarpan cluster up --brokers 5 --bind-port 19092 -- --flush interval --log-level debug",
    "tarpan cluster status --bootstrap localhost:9093",
    "tarpan cluster remove --node-id 4",
  ],
  run: actions,
};
