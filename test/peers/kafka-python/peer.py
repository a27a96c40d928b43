"""Reads one request as JSON from standard input, answers it as JSON: see test/interop/peer.ts."""

import json
import sys
from base64 import b64decode, b64encode

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic


def decode(text):
    return None if text is None else b64decode(text)


def encode(data):
    return None if data is None else b64encode(data).decode()


class GivenToken:
    """A provider for OAUTHBEARER, which has to be an object."""

    def __init__(self, token):
        self.given = token

    def token(self):
        return self.given


def connection_of(request):
    security = dict(request.get("security", {}))
    if "token" in security:
        security["sasl_oauth_token_provider"] = GivenToken(security.pop("token"))
    return {"bootstrap_servers": request["bootstrap"], **security}


def produce(request):
    codec = request["codec"]
    producer = KafkaProducer(
        **connection_of(request),
        compression_type=None if codec == "none" else codec,
        acks="all",
        linger_ms=50,
    )
    sent = [
        producer.send(
            request["topic"],
            partition=record["partition"],
            key=decode(record["key"]),
            value=decode(record["value"]),
            headers=[(key, decode(value)) for key, value in record["headers"]],
            timestamp_ms=record["timestamp"],
        )
        for record in request["records"]
    ]
    offsets = [future.get(timeout=20).offset for future in sent]
    producer.close()
    return {"offsets": offsets}


def consumer_of(request):
    consumer = KafkaConsumer(**connection_of(request), enable_auto_commit=False)
    return consumer, TopicPartition(request["topic"], request["partition"])


def consume(request):
    consumer, partition = consumer_of(request)
    consumer.assign([partition])
    consumer.seek(partition, request["offset"])
    records = []
    while len(records) < request["count"]:
        for batch in consumer.poll(timeout_ms=1000).values():
            for record in batch:
                records.append(
                    {
                        "offset": record.offset,
                        "timestamp": record.timestamp,
                        "key": encode(record.key),
                        "value": encode(record.value),
                        "headers": [[key, encode(value)] for key, value in record.headers],
                    }
                )
    consumer.close()
    return {"records": records}


def offsets(request):
    consumer, partition = consumer_of(request)
    found = consumer.offsets_for_times({partition: request["timestamp"]})[partition]
    answer = {
        "beginning": consumer.beginning_offsets([partition])[partition],
        "end": consumer.end_offsets([partition])[partition],
    }
    if found is not None:
        answer["forTime"] = {"offset": found.offset, "timestamp": found.timestamp}
    consumer.close()
    return answer


def admin(request):
    client = KafkaAdminClient(**connection_of(request))
    topic = request["topic"]
    answer = {}

    def partitions():
        return len(client.describe_topics([topic])[0]["partitions"])

    def retention():
        answers = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        for resource in answers[0].resources:
            for entry in resource[4]:
                if entry[0] == "retention.ms":
                    return entry[1]

    client.create_topics([NewTopic(topic, 2, 1, topic_configs={"retention.ms": "60000"})])
    answer["createdPartitions"] = partitions()
    answer["createdRetention"] = retention()
    client.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "120000"})]
    )
    answer["alteredRetention"] = retention()
    client.create_partitions({topic: NewPartitions(3)})
    answer["grownPartitions"] = partitions()
    answer["listed"] = topic in client.list_topics()
    answer["brokers"] = len(client.describe_cluster()["brokers"])
    client.delete_topics([topic])
    answer["listedAfterDelete"] = topic in client.list_topics()
    client.close()
    return answer


COMMANDS = {"produce": produce, "consume": consume, "offsets": offsets, "admin": admin}

if __name__ == "__main__":
    incoming = json.load(sys.stdin)
    print(json.dumps(COMMANDS[incoming["command"]](incoming)))
