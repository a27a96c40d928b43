import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import type { BrokerAdmin } from "../../src/admin/broker-admin.ts";
import type { DelayedAdmin } from "../../src/admin/delayed-admin.ts";
import type { GroupsAdmin } from "../../src/admin/groups-admin.ts";
import type { HalfMessagesAdmin } from "../../src/admin/half-messages-admin.ts";
import type { MembersAdmin } from "../../src/admin/members-admin.ts";
import { AuditLog } from "../../src/audit/audit-log.ts";
import { HeldCounts } from "../../src/held/counts.ts";
import { createHttpEntrance } from "../../src/http/entrance.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { FetchWaits } from "../../src/metrics/fetch-waits.ts";
import { newFlushHistogram } from "../../src/metrics/histogram.ts";
import { RequestMetrics } from "../../src/metrics/request-metrics.ts";
import { QuotaStats } from "../../src/quotas/quota-stats.ts";
import { type Authorizer, allowAll } from "../../src/security/authorizer.ts";
import { testEnv } from "../env/test-env.ts";
import { type Served, serve } from "../server/harness.ts";

/** A broker whose status a test sets. */
export class FakeBroker implements BrokerAdmin {
  reasons: string[] = [];
  readonly requests = new RequestMetrics();
  readonly fetchWaits = new FetchWaits();
  readonly quotas = { stats: [new QuotaStats("produce")], meters: 0 };
  readonly flushes = newFlushHistogram();
  members: MembersAdmin | null = null;
  served: Served | null = null;
  errors: string[] = [];
  readonly strangeHosts: string[] = [];
  readonly auditLines: string[] = [];
  readonly auditLog = new AuditLog(
    testEnv(),
    {
      write: (line) => void this.auditLines.push(line),
      ...{ problem: null, linesLost: 0 },
    },
    silentLogger,
  );
  authorizer: Authorizer = allowAll;
  isOwnHost = (name: string) => name === "broker.example";
  /** For real delayed messages see delayed/delayed.test.ts. */
  readonly delayed: DelayedAdmin = {
    list: async () => [],
    cancel: async () => unserved(),
    deliver: async () => unserved(),
  };
  /** For real half messages see half-messages/administrator.test.ts. */
  readonly halfMessages: HalfMessagesAdmin = {
    list: async () => [],
    resolve: async () => unserved(),
  };
  readonly held = {
    delayed: { waitingCount: 0, counts: new HeldCounts() },
    halfMessages: { waitingCount: 0, counts: new HeldCounts() },
  };
  /** For real groups see groups.test.ts. */
  readonly groups: GroupsAdmin = {
    list: async () => [],
    describe: async () => unserved(),
    delete: async () => unserved(),
    resetOffsets: async () => unserved(),
    usage: async () => ({ groups: [], offsets: [] }),
  };

  get audit() {
    return this.auditLog.status;
  }

  readiness() {
    return { ready: this.reasons.length === 0, reasons: this.reasons };
  }

  cluster() {
    const at = { host: "localhost", port: 9092, rack: null };
    const brokers = [{ nodeId: 1, ...at, fenced: false, metadataLevel: 4 }];
    const refused = { refusedByThis: 1, refusedByOthers: 2, refusals: [] };
    const certificate = { certificateExpiresMs: null, authorityExpiresMs: null, reloadFailures: 0 };
    const security = { tls: true, password: false, ...certificate, ...refused };
    const engine = { kind: "memory", security } as const;
    return {
      ...{ clusterId: "cluster", nodeId: 1, controllerId: 1, brokers, engine },
      ...{ metadataLevel: 3, metadataLevelSupported: 4 },
      ...{ flush: "always", version: "0.1.0", uptimeMs: 1500 },
    };
  }

  *partitions() {
    const row = { topic: "orders", leader: 1, leaderEpoch: 3, startOffset: 5, endOffset: 105 };
    yield { ...row, lastStableOffset: 95, partition: 0, sizeBytes: 1000, offlineReason: null };
    yield {
      ...row,
      lastStableOffset: 105,
      partition: 1,
      sizeBytes: 500,
      offlineReason: this.reasons[0] ?? null,
    };
  }

  storage() {
    const retention = { retentionDeletedBytes: 4096, retentionClockAheadMs: 60_000 };
    const bytes = { readBytes: 9000, writtenBytes: 3000, freedBytes: 6000 };
    const uncleanable = [{ topic: "orders", partition: 0, reason: "batch 7 is damaged" }];
    const now = { maxDirtyRatio: 0.25, sinceCheckMs: 12_000, uncleanable };
    const cleaner = { runs: 3, ...bytes, busyMs: 1500, ...now };
    return { diskFull: this.reasons.length > 0, damagedRanges: 2, ...retention, cleaner };
  }

  heldPartitions() {
    const transaction = { producerId: 7, producerEpoch: 2, transactionalId: "tx", startOffset: 95 };
    const open = { lag: 10, sinceMs: 1_700_000_000_000, openMs: 960_500, isHanging: true };
    return [{ topic: "orders", partition: 0, ...transaction, ...open }];
  }

  *traffic() {
    yield { topic: 'or"ders', recordsIn: 7, bytesIn: 700, bytesOut: 1400, duplicatesDropped: 3 };
  }

  readonly certificates = [
    {
      ...{ listener: "OUTSIDE", expiresMs: 1_800_000_000_000 },
      ...{ authorityExpiresMs: 1_900_000_000_000, reloadFailures: 2, problem: null },
    },
  ];
  readonly tokenKeys = [
    { listener: "OUTSIDE", count: 2, refreshedMs: 1_700_000_000_500, failures: 3, outage: null },
  ];

  network() {
    const { stats, connections } = this.served!.listener;
    return { ...stats, connections };
  }
}

function unserved(): never {
  throw new Error("there are no groups here");
}

export async function serveHttp(view: FakeBroker): Promise<Served> {
  const onError = (message: string) => void view.errors.push(message);
  const { authorizer, isOwnHost, auditLog: audit } = view;
  const onStrangeHost = (advice: string) => void view.strangeHosts.push(advice);
  const parts = { broker: view, authorizer, audit, isOwnHost, onError, onStrangeHost };
  const entrance = createHttpEntrance(parts);
  view.served = await serve({}, entrance);
  return view.served;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

export async function ask(
  { listener }: Served,
  path: string,
  { method = "GET", agent = new Agent(), body = "", headers: more = {} } = {} as {
    method?: string;
    agent?: Agent;
    body?: string;
    headers?: Readonly<Record<string, string>>;
  },
): Promise<Reply> {
  const headers = { ...more, ...(body === "" ? {} : { "content-length": body.length }) };
  const sent = request({
    host: "127.0.0.1",
    port: listener.ports[0]!,
    path,
    method,
    agent,
    headers,
  });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode!, headers: response.headers, text };
}
