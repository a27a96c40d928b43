import { once } from "node:events";
import { Agent as HttpAgent } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { AdminError, coordinatorNotAvailable } from "../../src/admin/admin-error.ts";
import { HttpError } from "../../src/http/http-error.ts";
import { importPromClient, metricsPage } from "../../src/http/metrics-page.ts";
import { eventually, frame, Kind } from "../server/harness.ts";
import { ask, FakeBroker, serveHttp } from "./fake-broker.ts";

describe("routes", () => {
  test("/health", async () => {
    await using served = await serveHttp(new FakeBroker());
    const { status, headers, text } = await ask(served, "/health");
    expect([status, headers["content-type"]]).toEqual([200, "application/json; charset=utf-8"]);
    expect(JSON.parse(text)).toEqual({ status: "ok" });
  });

  test("/ready, with the reasons if it is not", async () => {
    const view = new FakeBroker();
    await using served = await serveHttp(view);
    expect((await ask(served, "/ready")).status).toBe(200);
    view.reasons = ["orders-1 is offline: EIO"];
    const { status, text } = await ask(served, "/ready?verbose=1");
    expect(status).toBe(503);
    expect(JSON.parse(text)).toEqual({ status: "not ready", reasons: view.reasons });
  });

  test("/cluster/status, without and with all partitions", async () => {
    const view = new FakeBroker();
    view.reasons = ["EIO"];
    await using served = await serveHttp(view);
    const short = JSON.parse((await ask(served, "/cluster/status")).text);
    expect(short).toEqual({
      ...{ ...view.cluster(), ready: false, reasons: ["EIO"], topics: 1, partitionCount: 2 },
      offlinePartitions: [{ topic: "orders", partition: 1, offlineReason: "EIO" }],
      uncleanablePartitions: view.storage().cleaner.uncleanable,
      heldPartitions: view.heldPartitions(),
    });
    const long = JSON.parse((await ask(served, "/cluster/status?partitions=true")).text);
    expect(long).toEqual({ ...short, partitions: [...view.partitions()] });
  });

  test("/metrics", async () => {
    const view = new FakeBroker();
    await using served = await serveHttp(view);
    view.requests.begin(0).answered(0, 0.4);
    view.requests.begin(0).answered(3, 20);
    view.requests.begin(18).answered(0, 100_000);
    view.requests.begin(1).localMs = 250;
    view.fetchWaits.begin();
    view.fetchWaits.begin();
    view.fetchWaits.end(500);
    view.flushes.add(3);
    const kafka = served.client();
    kafka.send(frame(Kind.echo, "0123456789"));
    await kafka.responsesReach(1);
    const { status, headers, text } = await ask(served, "/metrics");
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of [
      "# TYPE tarpan_requests_total counter",
      'tarpan_requests_total{api="Produce"} 2',
      'tarpan_request_errors_total{api="Produce",error="UNKNOWN_TOPIC_OR_PARTITION"} 1',
      "# TYPE tarpan_request_duration_seconds histogram",
      'tarpan_request_duration_seconds_bucket{api="Produce",le="0.0005"} 1',
      'tarpan_request_duration_seconds_bucket{api="Produce",le="0.025"} 2',
      'tarpan_request_duration_seconds_bucket{api="Produce",le="+Inf"} 2',
      'tarpan_request_duration_seconds_bucket{api="ApiVersions",le="30"} 0',
      'tarpan_request_duration_seconds_bucket{api="ApiVersions",le="+Inf"} 1',
      'tarpan_request_duration_seconds_sum{api="ApiVersions"} 100',
      'tarpan_request_duration_seconds_count{api="Produce"} 2',
      'tarpan_requests_in_progress{api="Produce"} 0',
      'tarpan_requests_in_progress{api="Fetch"} 1',
      'tarpan_request_local_seconds_total{api="Fetch"} 0.25',
      "tarpan_fetches_waiting 1",
      "tarpan_fetch_waits_total 2",
      "tarpan_fetch_wait_seconds_total 0.5",
      'tarpan_log_flush_duration_seconds_bucket{le="0.0025"} 0',
      'tarpan_log_flush_duration_seconds_bucket{le="0.005"} 1',
      "tarpan_log_flush_duration_seconds_sum 0.003",
      'tarpan_log_size_bytes{topic="orders",partition="1"} 500',
      'tarpan_log_start_offset{topic="orders",partition="0"} 5',
      'tarpan_log_end_offset{topic="orders",partition="0"} 105',
      "tarpan_logs_without_series 0",
      "tarpan_connections 2",
      'tarpan_connections_refused_total{reason="too-many-open-files"} 0',
      "tarpan_held_bytes 0",
      "tarpan_received_bytes_total 15",
      "tarpan_sent_bytes_total 14",
      'tarpan_topic_bytes_out_total{topic="or\\"ders"} 1400',
      'tarpan_topic_duplicates_dropped_total{topic="or\\"ders"} 3',
      'tarpan_topic_log_bytes{topic="orders"} 1500',
      "tarpan_partitions 2",
      "tarpan_disk_full 0",
      "tarpan_damaged_ranges 2",
      "tarpan_ready 1",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
    expect(text).toContain("process_resident_memory_bytes");
    kafka.send(frame(Kind.echo, "0123456789"));
    await kafka.responsesReach(2);
    expect((await ask(served, "/metrics")).text).toContain("tarpan_received_bytes_total 30\n");
  });

  test("if /metrics can't be loaded, the next scrape tries again", async () => {
    const view = new FakeBroker();
    await using served = await serveHttp(view);
    expect(served.listener.ports[0]).toBeGreaterThan(0);
    const modules = [Promise.reject(new HttpError(503, "restart the broker")), importPromClient()];
    const page = metricsPage(view, () => modules.shift()!);
    await expect(page()).rejects.toThrow("restart the broker");
    expect((await page()).body).toContain("tarpan_ready 1");
  });

  test("an unknown path lists the known ones; of the other methods only HEAD works", async () => {
    await using served = await serveHttp(new FakeBroker());
    const unknown = await ask(served, "/heath");
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.text).paths).toContain("/health");
    const head = await ask(served, "/health", { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(Number(head.headers["content-length"])).toBeGreaterThan(10);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const { status, headers } = await ask(served, "/health", {
        method,
        body: "x".repeat(50_000),
      });
      expect([method, status, headers.allow]).toEqual([method, 405, "GET, HEAD"]);
    }
  });

  test.each([
    ["..", ".."],
    ["%2E%2E", ".."],
    ["a%2Fb%20%C3%BC", "a/b ü"],
    ["a%252Fb", "a%2Fb"],
    ["a+b", "a+b"],
    ["a#b", "a#b"],
    ["a%0Ab", "a\nb"],
    ["", ""],
  ])("the group %j of a path is %j", async (part, groupId) => {
    const view = new FakeBroker();
    const asked: string[] = [];
    view.groups.delete = async (id) => {
      asked.push(id);
    };
    await using served = await serveHttp(view);
    const { status } = await ask(served, `/api/v1/groups/${part}`, { method: "DELETE" });
    expect([status, asked]).toEqual([200, [groupId]]);
  });

  test.each(["%zz", "%ff", "a%"])("the group %j is not percent-encoded correctly", async (part) => {
    await using served = await serveHttp(new FakeBroker());
    for (const method of ["GET", "DELETE", "POST"]) {
      const { status, text } = await ask(served, `/api/v1/groups/${part}`, { method });
      expect([status, JSON.parse(text).error]).toEqual([
        400,
        "the path or the query is not percent-encoded correctly",
      ]);
    }
  });

  test.each([
    ["DELETE", "?id=..", "cancel .."],
    ["DELETE", "?id=a%2Fb%20%C3%BC", "cancel a/b ü"],
    ["DELETE", "/a%2Fb", "cancel a/b"],
    ["POST", "?id=%25", "deliver %"],
    ["POST", "?id=deliver", "deliver deliver"],
    ["POST", "/order/deliver", "deliver order"],
    ["DELETE", "?id=%ff", "400"],
    ["DELETE", "", "400"],
    ["DELETE", "?id=", "400"],
    ["DELETE", "/", "400"],
    ["POST", "//deliver", "400"],
    ["POST", "/order", "405"],
  ])("%s of a delayed message %s is: %s", async (method, rest, expected) => {
    const view = new FakeBroker();
    const asked: string[] = [];
    view.delayed.cancel = async (id) => void asked.push(`cancel ${id}`);
    view.delayed.deliver = async (id) => void asked.push(`deliver ${id}`);
    await using served = await serveHttp(view);
    const { status } = await ask(served, `/api/v1/delayed${rest}`, { method });
    expect(status === 200 ? asked : [String(status)]).toEqual([expected]);
  });

  test.each([
    ["?group=g&id=..&resolution=commit", "g .. commit"],
    ["?group=g&id=a%2Fb&resolution=rollback", "g a/b rollback"],
    ["?group=g&id=a&resolution=maybe", "400"],
    ["?group=g&id=a", "400"],
    ["?group=g&resolution=commit", "400"],
    ["?id=a&resolution=commit", "400"],
  ])("POST of a half message %s is: %s", async (rest, expected) => {
    const view = new FakeBroker();
    const asked: string[] = [];
    view.halfMessages.resolve = async (...all) => void asked.push(all.join(" "));
    await using served = await serveHttp(view);
    const { status } = await ask(served, `/api/v1/half-messages${rest}`, { method: "POST" });
    expect(status === 200 ? asked : [String(status)]).toEqual([expected]);
  });

  test.each(["/health/", "//health", "/x/../health", "/health#x", "/api/v1/groups/a/b", "/%zz"])(
    "%s is an unknown path",
    async (path) => {
      await using served = await serveHttp(new FakeBroker());
      expect((await ask(served, path)).status).toBe(404);
    },
  );

  test("while the coordinators load it answers with Retry-After", async () => {
    const view = new FakeBroker();
    view.groups.list = async () => {
      throw coordinatorNotAvailable(new Error("loading"));
    };
    await using served = await serveHttp(view);
    const { status, headers } = await ask(served, "/api/v1/groups");
    expect([status, headers["retry-after"]]).toEqual([503, "1"]);
    expect(view.errors).toEqual([]);
  });

  test.each([
    ["not-found", 404],
    ["invalid", 400],
    ["conflict", 409],
    ["unavailable", 503],
    ["outcome-unknown", 503],
  ] as const)("the error kind %s has status %d", async (kind, expected) => {
    const view = new FakeBroker();
    view.groups.list = async () => {
      throw new AdminError(kind, "why not", { field: "to" });
    };
    await using served = await serveHttp(view);
    const { status, headers, text } = await ask(served, "/api/v1/groups");
    expect([status, JSON.parse(text)]).toEqual([expected, { error: "why not", field: "to" }]);
    expect(headers["retry-after"]).toBeUndefined();
    expect(view.errors).toEqual([]);
  });

  test("a bug is answered with 500 and logged once", async () => {
    const view = new FakeBroker();
    await using served = await serveHttp(view);
    view.readiness = () => {
      throw new Error("secret");
    };
    const { status, text } = await ask(served, "/ready");
    expect(status).toBe(500);
    expect(text).not.toContain("secret");
    expect(view.errors.length).toBe(1);
    expect((await ask(served, "/health")).status).toBe(200);
  });
});

describe("unusual clients", () => {
  /** Everything that the broker sends before it ends the connection. */
  const exchange = async (text: string) => {
    const view = new FakeBroker();
    await using served = await serveHttp(view);
    const socket = connect(served.listener.ports[0]!, "127.0.0.1");
    socket.end(text);
    let reply = "";
    for await (const chunk of socket.setEncoding("latin1")) reply += chunk;
    expect(view.errors).toEqual([]);
    return reply;
  };

  test("HTTP/1.0 without a Host, as load balancers probe", async () => {
    expect(await exchange("GET /health HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test("any Host header", async () => {
    const reply = await exchange("GET /health HTTP/1.1\r\nHost: [::1\r\n\r\n");
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test("a method that fetch refuses", async () => {
    const first = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    const reply = await exchange(`${first}TRACE /health HTTP/1.1\r\nHost: a\r\n\r\n`);
    const [, second = ""] = reply.split("\nHTTP/1.1 ");
    expect(second).toMatch(/^405 Method Not Allowed\r\n/);
    expect(second).toContain("allow: GET, HEAD\r\n");
  });

  test("a request that ends within its body", async () => {
    const head = "POST /api/v1/groups/a/offsets HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n";
    const text = `${head}Content-Type: application/json\r\n\r\n{`;
    const view = new FakeBroker();
    await using served = await serveHttp(view);
    const socket = connect(served.listener.ports[0]!, "127.0.0.1");
    socket.write(text);
    await eventually(() => served.listener.stats.connectionsAccepted === 1);
    socket.resetAndDestroy();
    await eventually(() => served.listener.connections === 0);
    expect((await ask(served, "/health")).status).toBe(200);
  });
});

describe("on the same port as Kafka", () => {
  test("both are served at the same time, HTTP with keep-alive", async () => {
    await using served = await serveHttp(new FakeBroker());
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
    const kafka = served.client();
    for (let i = 0; i < 5; i++) {
      expect((await ask(served, "/health", { agent })).status).toBe(200);
      kafka.send(frame(Kind.echo, `${i}`));
      await kafka.responsesReach(i + 1);
    }
    expect(served.listener.stats.connectionsAccepted).toBe(2);
    agent.destroy();
  });

  test("a request cut at every byte", async () => {
    await using served = await serveHttp(new FakeBroker());
    const bytes = Buffer.from("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for (let cut = 1; cut < bytes.length; cut++) {
      const socket = connect({ port: served.listener.ports[0]!, host: "127.0.0.1", noDelay: true });
      socket.write(bytes.subarray(0, cut));
      await once(socket, "connect");
      await new Promise((resolve) => setImmediate(resolve));
      socket.end(bytes.subarray(cut));
      let text = "";
      for await (const chunk of socket.setEncoding("utf8")) text += chunk;
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  test("broken and oversized requests are refused and closed", async () => {
    await using served = await serveHttp(new FakeBroker());
    const huge = `GET / HTTP/1.1\r\nx: ${"x".repeat(100_000)}\r\n\r\n`;
    for (const [text, status] of [
      ["GET nonsense\r\n\r\n", 400],
      [huge, 431],
    ] as const) {
      const socket = connect(served.listener.ports[0]!, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(text);
      let reply = "";
      socket.setEncoding("utf8").on("data", (chunk) => {
        reply += chunk;
      });
      await once(socket, "close");
      expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    await eventually(() => served.listener.connections === 0);
  });
});

describe("closing", () => {
  test("ends idle keep-alive connections at once", async () => {
    await using served = await serveHttp(new FakeBroker());
    const agent = new HttpAgent({ keepAlive: true });
    await ask(served, "/health", { agent });
    expect(served.listener.connections).toBe(1);
    await served.listener.close({ graceMs: 60_000 });
    expect(served.listener.connections).toBe(0);
  });

  test("cuts off a request whose headers never end after the grace time", async () => {
    await using served = await serveHttp(new FakeBroker());
    const socket = connect(served.listener.ports[0]!, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /health HTTP/1.1\r\nHost:");
    await ask(served, "/health");
    const closing = served.listener.close({ graceMs: 1000 });
    await new Promise((resolve) => setImmediate(resolve));
    served.time.advance(1000);
    await closing;
  });
});
