import { fileURLToPath } from "node:url";
import type { Address } from "../harness/client-broker.ts";
import type { Peer } from "../harness/peers.ts";
import { RECENT_MS } from "../harness/recent.ts";
import { base64, type CodecName, type PlainRecord } from "../harness/records.ts";
import { succeed } from "../harness/run.ts";

/**
 * The protocol of the programs in test/peers: one request as JSON on standard input, one answer as
 * JSON on standard output.
 */
export interface Requests {
  produce: {
    request: { codec: CodecName; records: readonly ({ partition: number } & Sent)[] };
    answer: { offsets: number[] };
  };
  consume: {
    request: { partition: number; offset: number; count: number };
    answer: { records: PlainRecord[] };
  };
  offsets: {
    request: { partition: number; timestamp: number };
    answer: {
      beginning: number;
      end: number;
      forTime?: { offset: number; timestamp?: number };
    };
  };
  deleteRecords: {
    request: { partition: number; offset: number };
    answer: { lowWatermark: number };
  };
  admin: { request: object; answer: AdminAnswer };
  /** Whether `topic` is a pattern to subscribe to. */
  pattern: {
    request: { group: string; protocol: "classic" | "consumer"; count: number };
    answer: { topics: string[] };
  };
  survey: { request: { group: string; offset: number }; answer: SurveyAnswer };
  /** Transactions that are committed, aborted and fenced, each with a record and an offset. */
  transact: { request: object; answer: TransactAnswer };
  /** What an admin client sees of a transaction while it is open, and when it has ended. */
  transactions: {
    request: object;
    answer: { open: SeenTransaction; ended: SeenTransaction };
  };
  /** Describes a feature's level, and updates it: refused, asked only, down to 0, and up again. */
  features: { request: { feature: string }; answer: FeaturesAnswer };
  /** The names of the errors of features that the broker lacks. */
  absent: { request: object; answer: { acls: string } };
}

export type Sent = Omit<PlainRecord, "offset">;

/** The answers of a broker for which the client has an API. */
export interface SurveyAnswer {
  /** Whether the topic is in the list of all topics, and the group in that of all groups. */
  topicListed: boolean;
  groupListed: boolean;
  partitions: number;
  groupState: string;
  earliest: number;
  latest: number;
  lowWatermarkAfterDelete: number;
  retention?: string;
  brokers?: number;
}

/** The committed offset of the group after each transaction, and what read_committed shows. */
export interface TransactAnswer {
  afterCommit: number;
  afterAbort: number;
  fenced: string;
  afterFencing: number;
  values: string[];
}

export interface SeenTransaction {
  state: string;
  timeoutMs: number;
  partitions: number;
  /** Where the transactions of the partition's producers begin; -1 for none. */
  starts: number[];
  /** The transactional ids of its producer: all, those of an open one, those of a pattern. */
  listed: string[];
  ongoing: string[];
  others: string[];
}

/** Names of errors, or "done"; the levels at first, and after each update that is not refused. */
export interface FeaturesAnswer {
  levels: number[];
  refusedUpgrade: string;
  askedOnly: string;
  downgrade: string;
  upgrade: string;
}

/** Create with two partitions and retention 60000, alter to 120000, grow to 3, delete. */
export interface AdminAnswer {
  createdPartitions: number;
  createdRetention: string;
  alteredRetention: string;
  grownPartitions: number;
  listed: boolean;
  brokers: number;
  listedAfterDelete: boolean;
}

export const ADMIN_ROUND_TRIP: AdminAnswer = {
  createdPartitions: 2,
  createdRetention: "60000",
  alteredRetention: "120000",
  grownPartitions: 3,
  listed: true,
  brokers: 1,
  listedAfterDelete: false,
};

/** How the client connects, in its own configs. */
interface Secured {
  readonly security?: Readonly<Record<string, string>>;
}

export type Ask = <C extends keyof Requests>(
  command: C,
  topic: string,
  request: Requests[C]["request"] & Secured,
) => Promise<Requests[C]["answer"]>;

/** Starts a program of test/peers for one request. */
export function programPeer(
  { path }: Peer,
  args: readonly string[],
  broker: Address,
  env: Readonly<Record<string, string>> = {},
): Ask {
  return async (command, topic, request) => {
    const { bootstrap } = broker;
    const input = JSON.stringify({ command, bootstrap, topic, ...request });
    const output = await succeed(path, args, { input, env });
    return JSON.parse(output.trim().split("\n").at(-1)!);
  };
}

export const peerSource = (path: string): string =>
  fileURLToPath(new URL(`../peers/${path}`, import.meta.url));

/** Records with all that a client might encode wrongly. */
export const SAMPLE: readonly Sent[] = [
  { key: base64("plain"), value: base64("hello"), timestamp: RECENT_MS + 1, headers: [] },
  { key: null, value: base64("no key"), timestamp: RECENT_MS + 3, headers: [] },
  { key: base64("tombstone"), value: null, timestamp: RECENT_MS + 2, headers: [] },
  { key: base64("empty value"), value: "", timestamp: RECENT_MS + 4, headers: [] },
  {
    key: base64("ключ"),
    value: base64("日本 🐎"),
    timestamp: RECENT_MS + 5,
    headers: [["größe", base64("ü")]],
  },
  {
    key: Buffer.from([0, 255, 128, 10]).toString("base64"),
    value: Buffer.from([0xff, 0, 0xfe, 13]).toString("base64"),
    timestamp: RECENT_MS + 6,
    headers: [
      ["twice", base64("first")],
      ["twice", base64("second")],
      ["bytes", Buffer.from([0, 1, 254]).toString("base64")],
      ["empty", ""],
    ],
  },
  {
    key: base64("long"),
    value: base64("0123456789".repeat(10_000)),
    timestamp: RECENT_MS + 7,
    headers: [],
  },
];

/** The samples with their offsets after they were produced. */
export function atOffsets(records: readonly Sent[], first = 0): PlainRecord[] {
  return records.map((record, index) => ({ offset: first + index, ...record }));
}
