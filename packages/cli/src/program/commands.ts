// The one list of commands. Each is loaded when it is used: only `broker` needs the broker.
import type { Command as Parser } from "commander";
import type { Command } from "../args/command.ts";
import type { Io } from "../terminal/io.ts";

/** Loads all commands, for the command that describes the others. */
type WholeProgram = (io: Io) => Promise<Parser>;

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: (wholeProgram: WholeProgram) => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "broker",
    summary: "run a broker",
    load: async () => (await import("../commands/broker.ts")).broker,
  },
  {
    name: "topic",
    summary: "create, list, describe, alter and delete topics",
    load: async () => (await import("../commands/topic.ts")).topic,
  },
  {
    name: "produce",
    summary: "send records, from the command line or standard input",
    load: async () => (await import("../commands/produce.ts")).produce,
  },
  {
    name: "consume",
    summary: "read records",
    load: async () => (await import("../commands/consume.ts")).consume,
  },
  {
    name: "group",
    summary: "list, describe and delete consumer groups, show their lag, reset their offsets",
    load: async () => (await import("../commands/group.ts")).group,
  },
  {
    name: "user",
    summary: "create, list and delete users, change their passwords",
    load: async () => (await import("../commands/user.ts")).user,
  },
  {
    name: "acl",
    summary: "list, add and remove ACLs, which say who may do what",
    load: async () => (await import("../commands/acl.ts")).acl,
  },
  {
    name: "transactions",
    summary: "list and describe transactions, find and abort hanging ones",
    load: async () => (await import("../commands/transactions.ts")).transactions,
  },
  {
    name: "delayed",
    summary: "list delayed messages, cancel them, deliver them now",
    load: async () => (await import("../commands/delayed.ts")).delayed,
  },
  {
    name: "half",
    summary: "list half messages, commit them, roll them back",
    load: async () => (await import("../commands/half.ts")).half,
  },
  {
    name: "dlq",
    summary: "list dead letters, show, redrive and purge them",
    load: async () => (await import("../commands/dlq.ts")).dlq,
  },
  {
    name: "cluster",
    summary: "run a whole cluster on this machine, show a cluster's status, remove a broker",
    load: async () => (await import("../commands/cluster.ts")).cluster,
  },
  {
    name: "config",
    summary: "show the configuration of a broker, check a file",
    load: async () => (await import("../commands/config.ts")).config,
  },
  {
    name: "client",
    summary: "topics, produce and consume in one, with a client.json",
    load: async () => (await import("../commands/client.ts")).client,
  },
  {
    name: "certificate",
    summary: "make certificates of a private authority, to try TLS out",
    load: async () => (await import("../commands/certificate.ts")).certificate,
  },
  {
    name: "completion",
    summary: "print the completion script for bash, zsh or fish",
    load: async (whole) => (await import("../commands/completion.ts")).completion(whole),
  },
];
