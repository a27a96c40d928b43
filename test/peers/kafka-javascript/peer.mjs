// Reads one request as JSON from standard input, answers it as JSON: see test/interop/peer.ts.
// NODE_PATH is the folder of the client.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const client = createRequire(import.meta.url)("@confluentinc/kafka-javascript");
const { ConsumerGroupStates, Kafka, logLevel } = client.KafkaJS;

const decode = (text) => (text === null ? null : Buffer.from(text, "base64"));
const encode = (data) => (data === null || data === undefined ? null : data.toString("base64"));

function kafkaOf({ bootstrap, security: { token, ...security } = {} }) {
  const kafkaJS = { brokers: [bootstrap], logLevel: logLevel.ERROR };
  if (token === undefined) return new Kafka({ kafkaJS, ...security });
  const lifetime = Date.now() + 3_600_000;
  const oauthBearerProvider = async () => ({ value: token, principal: "peer", lifetime });
  const sasl = { mechanism: "oauthbearer", oauthBearerProvider };
  return new Kafka({ kafkaJS: { ...kafkaJS, ssl: true, sasl }, ...security });
}

function message({ partition, key, value, headers, timestamp }) {
  const grouped = {};
  for (const [name, text] of headers) grouped[name] = [...(grouped[name] ?? []), decode(text)];
  return {
    ...{ partition, key: decode(key), value: decode(value) },
    ...{ headers: grouped, timestamp: String(timestamp) },
  };
}

async function produce(request) {
  const { topic, codec, records } = request;
  const compression = codec === "none" ? undefined : codec;
  const producer = kafkaOf(request).producer({
    kafkaJS: { idempotent: true, ...(compression && { compression }) },
    "linger.ms": 50,
  });
  await producer.connect();
  const [{ baseOffset }] = await producer.send({ topic, messages: records.map(message) });
  await producer.disconnect();
  return { offsets: records.map((_, index) => Number(baseOffset) + index) };
}

/** Subscribes, and hands every message to `take` until it has had enough. */
async function read(request, { config, topics, begin, take }) {
  const consumer = kafkaOf(request).consumer(config);
  await consumer.connect();
  await consumer.subscribe({ topics });
  await new Promise((resolve, reject) => {
    const eachMessage = async (each) => {
      if (take(each)) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
    begin?.(consumer);
  });
  await consumer.disconnect();
}

async function consume(request) {
  const { topic, partition, offset, count } = request;
  const records = [];
  const take = ({ partition: from, message }) => {
    if (from !== partition || records.length === count) return records.length === count;
    const headers = Object.entries(message.headers ?? {}).flatMap(([name, values]) =>
      [values].flat().map((value) => [name, encode(value)]),
    );
    const { key, value, timestamp } = message;
    records.push({
      ...{ offset: Number(message.offset), timestamp: Number(timestamp) },
      ...{ key: encode(key), value: encode(value), headers },
    });
    return records.length === count;
  };
  const groupId = `reads-from-${offset}`;
  const config = { kafkaJS: { groupId, fromBeginning: true, autoCommit: false } };
  const begin = (consumer) => consumer.seek({ topic, partition, offset: String(offset) });
  await read(request, { config, topics: [topic], begin, take });
  return { records };
}

async function pattern(request) {
  const { topic, group, protocol, count } = request;
  const seen = [];
  const config = {
    "group.id": group,
    "group.protocol": protocol,
    "auto.offset.reset": "earliest",
  };
  const take = (each) => seen.push(each.topic) === count;
  await read(request, { config, topics: [new RegExp(topic)], take });
  return { topics: [...new Set(seen)].sort() };
}

async function survey(request) {
  const { topic, group, offset } = request;
  const admin = kafkaOf(request).admin();
  await admin.connect();
  // Its admin API is that of kafkajs; creating and deleting a topic shows that it works.
  const passing = `${topic}-passing`;
  await admin.createTopics({ topics: [{ topic: passing, numPartitions: 2 }] });
  const topics = await admin.listTopics();
  await admin.deleteTopics({ topics: [passing] });
  const [described] = await admin.fetchTopicMetadata({ topics: [topic] });
  const { groups } = await admin.listGroups();
  const [state] = (await admin.describeGroups([group])).groups;
  const [{ low, high }] = await admin.fetchTopicOffsets(topic);
  const [deleted] = await admin.deleteTopicRecords({
    ...{ topic, partitions: [{ partition: 0, offset: String(offset) }] },
  });
  await admin.disconnect();
  return {
    topicListed: topics.includes(topic) && topics.includes(passing),
    groupListed: groups.some(({ groupId }) => groupId === group),
    partitions: described.partitions.length,
    groupState: Object.keys(ConsumerGroupStates).find(
      (name) => ConsumerGroupStates[name] === state.state,
    ),
    earliest: Number(low),
    latest: Number(high),
    lowWatermarkAfterDelete: deleted.lowWatermark,
  };
}

/** Commits a record, aborts one, and is fenced by a second producer with the same id. */
async function transact(request) {
  const { topic } = request;
  const kafka = kafkaOf(request);
  const transactional = async () => {
    const producer = kafka.producer({ kafkaJS: { transactionalId: topic } });
    await producer.connect();
    return producer;
  };
  const consumer = kafka.consumer({ kafkaJS: { groupId: topic, autoCommit: false } });
  await consumer.connect();
  const admin = kafka.admin();
  await admin.connect();
  const write = async (producer, value, offset) => {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value }] });
    const topics = [{ topic, partitions: [{ partition: 0, offset: String(offset) }] }];
    await transaction.sendOffsets({ consumer, topics });
    return transaction;
  };
  const committed = async () => {
    const [fetched] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    return Number(fetched.partitions[0].offset);
  };
  const producer = await transactional();
  await (await write(producer, "committed", 1)).commit();
  const answer = { afterCommit: await committed() };
  await (await write(producer, "aborted", 2)).abort();
  answer.afterAbort = await committed();
  const zombie = await write(producer, "fenced", 3);
  const successor = await transactional();
  answer.fenced = await zombie.commit().then(
    () => "no error",
    ({ type }) => type,
  );
  answer.afterFencing = await committed();
  // The fence: all that read_committed shows comes before this record.
  await (await write(successor, "end", answer.afterFencing)).commit();
  const values = [];
  const config = { kafkaJS: { groupId: `${topic}-reads`, fromBeginning: true } };
  const take = ({ message }) => {
    const value = message.value.toString();
    if (value !== "end") values.push(value);
    return value === "end";
  };
  await read(request, { config, topics: [topic], take });
  await Promise.all([consumer, admin, producer, successor].map((each) => each.disconnect()));
  return { ...answer, values };
}

const commands = { produce, consume, pattern, survey, transact };
const request = JSON.parse(await text(process.stdin));
const answer = await commands[request.command](request);
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
