import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS } from "../args/options.ts";

const actions: Actions = {
  up: {
    summary: "run brokers on this machine, each in a process",
    run: async (args, io) => (await import("../cluster/up.ts")).clusterUp(args, io),
  },
  status: {
    summary: "brokers, engine and partitions",
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
    "status [--internal] [--json]",
    "remove --node-id N",
  ],
  options: [
    { name: "brokers", argument: "N", help: "up: how many, 3 to 9 (3)" },
    { name: "bind-addr", argument: "HOST", help: "up: address to listen on (127.0.0.1)" },
    {
      name: "bind-port",
      argument: "PORT",
      help: "up: port of the first broker; 0 for any free (9092)",
    },
    {
      name: "raft-port",
      argument: "PORT",
      help: "up: raft port of the first; 0 for any free (7001)",
    },
    {
      name: "data-dir",
      argument: "DIR",
      help: "up: holds a directory for each broker (./data/cluster)",
    },
    ...BOOTSTRAP_OPTIONS,
    { name: "internal", help: "status: internal topics too" },
    { name: "json", help: "status: the whole answer, as JSON" },
    { name: "node-id", argument: "N", help: "remove: the broker to remove" },
  ],
  examples: [
    "tarpan cluster up",
    "tarpan cluster up --brokers 5 --bind-port 19092 -- --flush interval --log-level debug",
    "tarpan cluster status --bootstrap localhost:9093",
    "tarpan cluster remove --node-id 4",
  ],
  run: actions,
};
