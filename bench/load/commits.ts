// Offset commits of consumers without a group protocol, each of many partitions: a fixed number of
// commits, several in flight on each connection.

import { once } from "node:events";
import { connect } from "node:net";
import { encodeRequest, encodeResponse, OffsetCommit } from "@tarpan/protocol";
import { Connection } from "../connection.ts";
import { difference } from "../frames.ts";
import { FrameHeads } from "./frame-heads.ts";
import { check, coordinatorReady } from "./group-requests.ts";

export interface CommitsJob {
  readonly port: number;
  readonly topic: string;
  readonly groups: number;
  /** In each request: all partitions of the topic. */
  readonly partitions: number;
  readonly connections: number;
  readonly window: number;
  /** The number of requests, over all groups in turn. */
  readonly requests: number;
}

export interface CommitsResult {
  readonly partitionsPerSecond: number;
}

const VERSION = 9;
const job = JSON.parse(process.argv[2]!) as CommitsJob;
const indexes = Array.from({ length: job.partitions }, (_, partitionIndex) => partitionIndex);
const answerOf = (errorCode: number) => {
  const partitions = indexes.map((partitionIndex) => ({ partitionIndex, errorCode }));
  const body = { topics: [{ name: job.topic, partitions }] };
  return Buffer.concat(encodeResponse(OffsetCommit, VERSION, 0, body));
};
/** The position of the first partition's error code: all partitions fail together. */
const errorAt = difference(answerOf(0), answerOf(-1));

const setUp = await Connection.open(job.port);
await coordinatorReady(setUp, "bench-commits");
setUp.close();

let sent = 0;
let answered = 0;
const startMs = performance.now();
await Promise.all(Array.from({ length: job.connections }, lane));
const seconds = (performance.now() - startMs) / 1000;
const result: CommitsResult = { partitionsPerSecond: (answered * job.partitions) / seconds };
console.log(JSON.stringify(result));

async function lane(): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port: job.port, noDelay: true });
  await once(socket, "connect");
  let waiting = 0;
  await new Promise<void>((resolve) => {
    const send = () => {
      if (sent < job.requests) {
        waiting++;
        socket.write(requestOf(sent++));
      } else if (waiting === 0) resolve();
    };
    const heads = new FrameHeads(errorAt + 2, (head) => {
      check(head.readInt16BE(errorAt), "OffsetCommit");
      answered++;
      waiting--;
      send();
    });
    socket.on("data", (chunk: Buffer) => heads.take(chunk));
    for (let i = 0; i < job.window; i++) send();
  });
  socket.destroy();
}

function requestOf(request: number): Buffer {
  const committedOffset = 1 + Math.floor(request / job.groups);
  const body = {
    groupId: `bench-commits-${request % job.groups}`,
    memberId: "",
    topics: [
      {
        name: job.topic,
        partitions: indexes.map((partitionIndex) => ({
          partitionIndex,
          committedOffset,
          committedMetadata: "",
        })),
      },
    ],
  };
  return Buffer.concat(
    encodeRequest(OffsetCommit, VERSION, { correlationId: request, clientId: "bench" }, body),
  );
}
