"""Does with confluent-kafka what the harness asks for; see harnessagent. One source for every pinned version."""

import sys
import time

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaException, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

try:  # what came later
    from confluent_kafka import ConsumerGroupTopicPartitions
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry
except ImportError:
    pass

from harnessagent import HEARTBEAT_MS, Agent, Member, Stream, headers_of, serve, to_bytes, to_json

LIBRDKAFKA = tuple(int(part) for part in libversion()[0].split("-")[0].split("."))
IDEMPOTENT = LIBRDKAFKA >= (1, 0)  # has it; it is never on by itself
ZSTD = LIBRDKAFKA >= (1, 0)
# Bounds on how long a client that asks a broker that is away waits before it asks again. The default grows to 10 s.
PATIENCE = {"reconnect.backoff.max.ms": 500} if LIBRDKAFKA >= (1, 0) else {"reconnect.backoff.jitter.ms": 100}

OPERATION_S = 20  # how long a broker may work on an admin call; 0.11.6 says 0 by itself: see FINDINGS.md


def record(message):
    kind, timestamp = message.timestamp()
    return to_json(
        message.partition(),
        message.offset(),
        -1 if kind == TIMESTAMP_NOT_AVAILABLE else timestamp,
        message.key(),
        message.value(),
        message.headers() or [],
    )


class ConfluentStream(Stream):
    def __init__(self, config, **args):
        self.producer = Producer(config)
        super().__init__(**args)

    def send(self, topic, partition, value, done):
        self.producer.produce(topic, value, value, partition, on_delivery=lambda error, _: done(error))
        self.producer.poll(0)

    def finish(self):
        self.producer.flush(40)


class ConfluentMember(Member):
    def __init__(self, config, topic, limit):
        self.topic = topic
        self.partitions = set()
        self.consumer = Consumer(config)
        self.consumer.subscribe([topic], on_assign=self.assign, on_revoke=self.revoke)
        super().__init__(limit)

    def assign(self, consumer, partitions):
        self.partitions = {p.partition for p in partitions}

    def revoke(self, consumer, partitions):
        self.partitions = set()

    def poll(self):
        message = self.consumer.poll(0.05)
        # Errors are news of connections, here and below: the client goes on by itself.
        return [] if message is None or message.error() else [record(message)]

    def idle(self):
        """Rebalances are served in poll; with everything paused it returns no record."""
        self.consumer.pause(self.consumer.assignment())
        self.consumer.poll(0.05)

    def held(self):
        return self.partitions

    def commit_positions(self, positions):
        if not positions:
            return  # librdkafka answers a commit of nothing with an error
        self.consumer.commit(offsets=[TopicPartition(self.topic, p, o) for p, o in positions.items()], asynchronous=False)

    def close(self):
        self.consumer.close()


class ConfluentTransactions:
    def __init__(self, config, reader):
        self.producer = Producer(config)
        self.producer.init_transactions(20)
        self.reader = reader  # makes the consumer that stands for a group

    def begin(self):
        self.producer.begin_transaction()

    def send(self, topic, records):
        for r in records:
            self.producer.produce(topic, to_bytes(r["v"]), to_bytes(r["k"]), r["p"])
        if self.producer.flush(20):
            raise RuntimeError("not all records were delivered")

    def offsets(self, group, topic, partition, offset):
        consumer = self.reader(**{"group.id": group})
        metadata = consumer.consumer_group_metadata()
        self.producer.send_offsets_to_transaction([TopicPartition(topic, partition, offset)], metadata, 20)
        consumer.close()

    def commit(self):
        self.producer.commit_transaction(20)

    def abort(self):
        self.producer.abort_transaction(20)

    def close(self):
        try:
            self.producer.flush(5)
        except KafkaException as error:  # that of a producer that was fenced
            print(error, file=sys.stderr)


class AdminCalls:
    """The admin calls by their names in the harness. A client has those whose method it has."""

    needs = {
        "create": "create_topics",
        "topics": "list_topics",
        "config": "describe_configs",
        "alter": "alter_configs",
        "grow": "create_partitions",
        "truncate": "delete_records",
        "groups": "list_consumer_groups",
        "group": "describe_consumer_groups",
        "committed": "list_consumer_group_offsets",
        "dropGroup": "delete_consumer_groups",
        "drop": "delete_topics",
    }

    def __init__(self, config):
        self.admin = AdminClient(config)

    @classmethod
    def names(cls):
        return [name for name, method in cls.needs.items() if hasattr(AdminClient, method)]

    @staticmethod
    def only(futures):
        """Every call answers with futures by what was asked for, and here that is one thing."""
        (future,) = futures.values()
        return future.result(20)

    def create(self, topic, partitions, configs):
        self.only(self.admin.create_topics([NewTopic(topic, partitions, 1, config=configs)], operation_timeout=OPERATION_S))

    def topics(self):
        return list(self.admin.list_topics(timeout=20).topics)

    def config(self, topic, name):
        return self.only(self.admin.describe_configs([ConfigResource("topic", topic)]))[name].value

    def alter(self, topic, name, value):
        resource = ConfigResource("topic", topic)
        if hasattr(self.admin, "incremental_alter_configs"):
            resource.add_incremental_config(ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET))
            self.only(self.admin.incremental_alter_configs([resource]))
            return
        resource.set_config(name, value)
        self.only(self.admin.alter_configs([resource]))

    def grow(self, topic, partitions):
        self.only(self.admin.create_partitions([NewPartitions(topic, partitions)], operation_timeout=OPERATION_S))

    def truncate(self, topic, partition, offset):
        self.only(self.admin.delete_records([TopicPartition(topic, partition, offset)]))

    def groups(self):
        return [g.group_id for g in self.admin.list_consumer_groups().result(20).valid]

    def group(self, group):
        return self.only(self.admin.describe_consumer_groups([group])).state.name

    def committed(self, group, topic, partition):
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition)])
        return self.only(self.admin.list_consumer_group_offsets([asked])).topic_partitions[0].offset

    def dropGroup(self, group):
        self.only(self.admin.delete_consumer_groups([group]))

    def drop(self, topic):
        self.only(self.admin.delete_topics([topic], operation_timeout=OPERATION_S))


class ConfluentAgent(Agent):
    def __init__(self, bootstrap):
        super().__init__()
        self.config = dict(PATIENCE, **{"bootstrap.servers": bootstrap})

    def info(self):
        return {
            "codecs": ["none", "gzip", "snappy", "lz4"] + (["zstd"] if ZSTD else []),
            "headers": True,
            "timestamps": True,
            "nulls": True,
            "binary": True,
            "idempotent": IDEMPOTENT,
            "bulky": True,
            "transactions": hasattr(Producer, "init_transactions"),
            "admin": AdminCalls.names(),
        }

    def producer_config(self, codec, acks):
        config = dict(self.config, **{"acks": acks, "compression.codec": codec, "linger.ms": 5})
        if IDEMPOTENT and acks == "all":
            config["enable.idempotence"] = True
        return config

    def produce(self, topic, codec, acks, records):
        failures = []
        producer = Producer(self.producer_config(codec, acks))
        for r in records:
            timestamp = {} if r["t"] < 0 else {"timestamp": r["t"]}
            producer.produce(
                topic,
                to_bytes(r["v"]),
                to_bytes(r["k"]),
                r["p"],
                headers=headers_of(r),
                on_delivery=lambda error, _: error and failures.append(error),
                **timestamp
            )
        left = producer.flush(30)
        if left or failures:
            raise RuntimeError("{} not delivered, {} failed: {}".format(left, len(failures), failures[:3]))

    def reader(self, **config):
        defaults = {"group.id": "unused", "enable.auto.commit": False, "fetch.wait.max.ms": 50, "auto.offset.reset": "error"}
        return Consumer(dict(self.config, **dict(defaults, **config)))

    def fetch(self, topic, partition, offset, count, timeoutMs, isolation=None):
        # The default is read_committed, once there is one.
        levels = {"isolation.level": isolation or "read_uncommitted"} if LIBRDKAFKA >= (1, 4) else {}
        consumer = self.reader(**levels)
        consumer.assign([TopicPartition(topic, partition, offset)])
        records = []
        deadline = time.monotonic() + timeoutMs / 1000
        while len(records) < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                records.append(record(message))
        consumer.close()
        return records

    def offsets(self, topic, partition, timestamp):
        consumer = self.reader()
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        at = consumer.offsets_for_times([TopicPartition(topic, partition, timestamp)], timeout=10)[0].offset
        consumer.close()
        return {"first": first, "end": end, "byTime": max(at, -1)}  # none is OFFSET_END, which is -1

    def transactions(self, id):
        return ConfluentTransactions(dict(self.config, **{"transactional.id": id}), self.reader)

    def admin(self, call, **args):
        return getattr(AdminCalls(self.config), call)(**args)

    def stream(self, **args):
        return ConfluentStream(dict(self.producer_config("none", "all"), **{"message.send.max.retries": 1000000}), **args)

    def member(self, group, topic, limit, sessionMs=6000):
        config = {
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "session.timeout.ms": sessionMs,
        }
        return ConfluentMember(dict(self.config, **config), topic, limit)


serve(ConfluentAgent)
