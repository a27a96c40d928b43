import { ElectLeaders, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ElectionType } from "../../src/metadata/decide-elect-leaders.ts";
import { createTopics } from "../metadata/ask.ts";
import { cluster } from "../metadata/cluster.ts";
import { spec } from "../metadata/support.ts";
import { brokerWithoutStorage, clusterBroker } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const { preferred, unclean } = ElectionType;
const asked = (...partitions: number[]) => [{ topic: "t", partitions }];

it("ElectLeaders elects preferred leaders, at every version", async () => {
  for (const version of [0, 1, 2]) {
    const history = cluster([1, 2], {
      t: [
        [1, 2],
        [2, 1],
        [1, 2],
      ],
    });
    history.change("t", 0, { leader: 2 });
    history.change("t", 1, { leader: 1, isr: [1] });
    const broker = await clusterBroker(history);
    const request = { electionType: preferred, topicPartitions: asked(0, 1, 2, 3), timeoutMs: 1 };
    const answer = await broker.call(ElectLeaders, version, request);
    expect(answer.errorCode).toBe(0);
    const [{ topic, partitionResult } = { topic: "", partitionResult: [] }] =
      answer.replicaElectionResults;
    expect(topic).toBe("t");
    expect(partitionResult.map(({ partitionId, errorCode }) => [partitionId, errorCode])).toEqual([
      [0, 0],
      [1, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE],
      [2, ErrorCode.ELECTION_NOT_NEEDED],
      [3, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(history.leaders("t")).toEqual([1, 1, 1]);
    const all = { ...request, topicPartitions: null };
    const rest = await broker.call(ElectLeaders, version, all);
    expect(rest.replicaElectionResults).toMatchObject([{ partitionResult: [{ partitionId: 1 }] }]);
  }
});

it("ElectLeaders finds no leader while no broker is up, and refuses unknown types", async () => {
  const history = cluster([1], { t: [[1]] });
  history.change("t", 0, { leader: -1 });
  history.fence(1);
  const broker = await clusterBroker(history);
  const elect = (electionType: number) => {
    const request = { electionType, topicPartitions: asked(0), timeoutMs: 1 };
    return broker.call(ElectLeaders, 2, request);
  };
  const { replicaElectionResults: results } = await elect(unclean);
  expect(results[0]!.partitionResult[0]!.errorCode).toBe(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE);
  expect((await elect(2)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
});

it("ElectLeaders answers ELECTION_NOT_NEEDED on a single broker", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [spec("t")]);
  for (const electionType of [preferred, unclean]) {
    const request = { electionType, topicPartitions: asked(0), timeoutMs: 1 };
    const { replicaElectionResults } = await broker.call(ElectLeaders, 2, request);
    const [result] = replicaElectionResults[0]!.partitionResult;
    expect(result!.errorCode).toBe(ErrorCode.ELECTION_NOT_NEEDED);
  }
});

it("ElectLeaders has one error for the whole response, from version 1 on", async () => {
  const broker = await brokerWithoutStorage();
  const request = { electionType: preferred, topicPartitions: asked(0), timeoutMs: 1 };
  const storage = ErrorCode.KAFKA_STORAGE_ERROR;
  const old = await broker.call(ElectLeaders, 0, request);
  expect(old.replicaElectionResults[0]!.partitionResult[0]!.errorCode).toBe(storage);
  const answer = await broker.call(ElectLeaders, 2, request);
  expect(answer).toMatchObject({ errorCode: storage, replicaElectionResults: [] });
});
