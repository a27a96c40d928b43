"""Reads one request as JSON from standard input, answers it as JSON: see test/interop/peer.ts."""

import json
import sys
import time
from base64 import b64decode, b64encode

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

try:
    from confluent_kafka import TopicCollection
    from confluent_kafka.admin import (
        AclBinding,
        AclOperation,
        AclPermissionType,
        OffsetSpec,
        ResourcePatternType,
        ResourceType,
    )
except ImportError:
    pass  # Debian's version is not asked what needs these.



def decode(text):
    return None if text is None else b64decode(text)


def encode(data):
    return None if data is None else b64encode(data).decode()


def connection_of(request):
    security = dict(request.get("security", {}))
    if "token" in security:
        token, expires = security.pop("token"), time.time() + 3600
        security["oauth_cb"] = lambda _: (token, expires)
    return {"bootstrap.servers": request["bootstrap"], **security}


def produce(request):
    producer = Producer(
        {
            **connection_of(request),
            "compression.codec": request["codec"],
            "enable.idempotence": True,
            "linger.ms": 50,
        }
    )
    offsets = [None] * len(request["records"])

    def delivered(index):
        def note(error, message):
            if error is not None:
                raise RuntimeError(str(error))
            offsets[index] = message.offset()

        return note

    for index, record in enumerate(request["records"]):
        producer.produce(
            request["topic"],
            partition=record["partition"],
            key=decode(record["key"]),
            value=decode(record["value"]),
            headers=[(key, decode(value)) for key, value in record["headers"]],
            timestamp=record["timestamp"],
            on_delivery=delivered(index),
        )
    if producer.flush(20) > 0:
        raise RuntimeError("not delivered within 20 s")
    return {"offsets": offsets}


def consumer_of(request):
    # librdkafka needs a group id even if no group is used.
    return Consumer(
        {
            **connection_of(request),
            "group.id": "unused",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )


def consume(request):
    consumer = consumer_of(request)
    consumer.assign([TopicPartition(request["topic"], request["partition"], request["offset"])])
    records = []
    while len(records) < request["count"]:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error() is not None:
            raise RuntimeError(str(message.error()))
        records.append(
            {
                "offset": message.offset(),
                "timestamp": message.timestamp()[1],
                "key": encode(message.key()),
                "value": encode(message.value()),
                "headers": [[key, encode(value)] for key, value in message.headers() or []],
            }
        )
    consumer.close()
    return {"records": records}


def offsets(request):
    consumer = consumer_of(request)
    partition = TopicPartition(request["topic"], request["partition"], request["timestamp"])
    beginning, end = consumer.get_watermark_offsets(partition, timeout=10)
    found = consumer.offsets_for_times([partition], timeout=10)[0]
    consumer.close()
    # librdkafka does not return the timestamp of the record.
    return {"beginning": beginning, "end": end, "forTime": {"offset": found.offset}}


def admin(request):
    client = AdminClient(connection_of(request))
    topic = request["topic"]
    answer = {}

    def done(futures):
        for future in futures.values():
            future.result(20)

    def retention():
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        described = client.describe_configs([resource])
        return next(iter(described.values())).result(20)["retention.ms"].value

    done(client.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "60000"})]))
    answer["createdPartitions"] = len(client.list_topics(topic).topics[topic].partitions)
    answer["createdRetention"] = retention()
    resource = ConfigResource(
        ConfigResource.Type.TOPIC, topic, set_config={"retention.ms": "120000"}
    )
    done(client.alter_configs([resource]))
    answer["alteredRetention"] = retention()
    done(client.create_partitions([NewPartitions(topic, 3)]))
    answer["grownPartitions"] = len(client.list_topics(topic).topics[topic].partitions)
    metadata = client.list_topics()
    answer["listed"] = topic in metadata.topics
    answer["brokers"] = len(metadata.brokers)
    done(client.delete_topics([topic]))
    answer["listedAfterDelete"] = topic in client.list_topics().topics
    return answer


def pattern(request):
    config = {
        **connection_of(request),
        "group.id": request["group"],
        "group.protocol": request["protocol"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    consumer = Consumer(config)
    consumer.subscribe([request["topic"]])
    topics = []
    while len(topics) < request["count"]:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error() is not None:
            raise RuntimeError(str(message.error()))
        topics.append(message.topic())
    consumer.commit(asynchronous=False)
    consumer.close()
    return {"topics": sorted(set(topics))}


def survey(request):
    client = AdminClient(connection_of(request))
    topic, group = request["topic"], request["group"]
    partition = TopicPartition(topic, 0)

    def only(futures):
        (future,) = futures.values()
        return future.result(20)

    def offset(spec):
        return only(client.list_offsets({partition: spec})).offset

    described = only(client.describe_topics(TopicCollection([topic])))
    configs = only(client.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
    groups = client.list_consumer_groups().result(20)
    answer = {
        "topicListed": topic in client.list_topics(timeout=10).topics,
        "groupListed": group in [each.group_id for each in groups.valid],
        "partitions": len(described.partitions),
        "groupState": only(client.describe_consumer_groups([group])).state.name,
        "earliest": offset(OffsetSpec.earliest()),
        "latest": offset(OffsetSpec.latest()),
        "retention": configs["retention.ms"].value,
        "brokers": len(client.describe_cluster().result(20).nodes),
    }
    before = TopicPartition(topic, 0, request["offset"])
    answer["lowWatermarkAfterDelete"] = only(client.delete_records([before])).low_watermark
    return answer


def transact(request):
    """Commits a record, aborts one, and is fenced by a second producer with the same id."""
    topic = request["topic"]
    config = {**connection_of(request), "log_level": 0}

    def transactional():
        producer = Producer({**config, "transactional.id": topic})
        producer.init_transactions(20)
        return producer

    consumer = Consumer(
        {
            **config,
            "group.id": topic,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )

    def write(producer, value, offset):
        producer.begin_transaction()
        producer.produce(topic, partition=0, value=value)
        position = [TopicPartition(topic, 0, offset)]
        producer.send_offsets_to_transaction(position, consumer.consumer_group_metadata(), 20)

    def committed():
        return consumer.committed([TopicPartition(topic, 0)], timeout=20)[0].offset

    producer = transactional()
    write(producer, "committed", 1)
    producer.commit_transaction(20)
    answer = {"afterCommit": committed()}
    write(producer, "aborted", 2)
    producer.flush(20)
    producer.abort_transaction(20)
    answer["afterAbort"] = committed()
    write(producer, "fenced", 3)
    producer.flush(20)
    transactional()
    answer["fenced"] = error_of(lambda: producer.commit_transaction(20))
    answer["afterFencing"] = committed()
    consumer.assign([TopicPartition(topic, 0, 0)])
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    values = []
    while consumer.position([TopicPartition(topic, 0)])[0].offset < end:
        message = consumer.poll(1)
        if message is None:
            break
        if message.error() is not None:
            raise RuntimeError(str(message.error()))
        values.append(message.value().decode())
    consumer.close()
    return {**answer, "values": values}


def error_of(call):
    try:
        call()
    except KafkaException as error:
        return error.args[0].name()
    raise RuntimeError("no error")


def absent(request):
    config = connection_of(request)
    binding = AclBinding(
        ResourceType.TOPIC,
        "t",
        ResourcePatternType.LITERAL,
        "User:a",
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )
    client = AdminClient(config)
    (creation,) = client.create_acls([binding]).values()
    return {
        "acls": error_of(lambda: creation.result(20)),
    }


COMMANDS = {
    "produce": produce,
    "consume": consume,
    "offsets": offsets,
    "admin": admin,
    "pattern": pattern,
    "survey": survey,
    "transact": transact,
    "absent": absent,
}

if __name__ == "__main__":
    incoming = json.load(sys.stdin)
    print(json.dumps(COMMANDS[incoming["command"]](incoming)))
