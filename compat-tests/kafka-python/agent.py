"""Does with kafka-python what the harness asks for; see harnessagent. One source for every pinned version.

Settings stay at the client's defaults unless a scenario depends on them.
"""

import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import __version__ as kafka_version
from kafka.structs import OffsetAndMetadata

try:
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
except ImportError:  # before 1.4.5
    KafkaAdminClient = None

from harnessagent import HEARTBEAT_MS, Agent, Member, Stream, headers_of, serve, to_bytes, to_json

VERSION = tuple(int(part) for part in kafka_version.split("."))
HEADERS = VERSION >= (1, 4)
ZSTD = VERSION >= (2, 0)
BACKGROUND = VERSION >= (1, 4)  # the client keeps its membership alive in a thread of its own
TRANSACTIONS = VERSION >= (2, 1)
HOLDS_UNANSWERED = (2, 1) <= VERSION < (3, 0)  # a request without an answer leaves with the next one: see FINDINGS.md
IDEMPOTENT = VERSION >= (2, 1)  # has it; from 3.0 on it is so when nothing else is said


def record(r):
    return to_json(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers if HEADERS else [])


def position(offset):
    """OffsetAndMetadata has gained a field over the years."""
    rest = {"metadata": "", "leader_epoch": -1}
    return OffsetAndMetadata(offset, *(rest[f] for f in OffsetAndMetadata._fields[1:]))


def send(producer, topic, r):
    headers = {"headers": headers_of(r)} if HEADERS else {}
    timestamp = None if r["t"] < 0 else r["t"]
    return producer.send(topic, to_bytes(r["v"]), key=to_bytes(r["k"]), partition=r["p"], timestamp_ms=timestamp, **headers)


class PythonStream(Stream):
    def __init__(self, config, **args):
        self.producer = KafkaProducer(**config)
        super().__init__(**args)

    def send(self, topic, partition, value, done):
        sent = self.producer.send(topic, value, value, partition=partition)
        sent.add_callback(lambda _: done(None))
        sent.add_errback(done)

    def finish(self):
        self.producer.flush(timeout=40)
        self.producer.close(timeout=10)


class PythonMember(Member):
    def __init__(self, config, topic, limit):
        self.topic = topic
        self.consumer = KafkaConsumer(topic, **config)
        self.consumer.partitions_for_topic(topic)  # metadata before the first poll: see FINDINGS.md
        super().__init__(limit)

    def poll(self):
        return [record(r) for batch in self.consumer.poll(timeout_ms=50).values() for r in batch]

    def idle(self):
        if BACKGROUND:
            super().idle()
            return
        self.consumer.pause(*self.consumer.assignment())
        self.consumer.poll(timeout_ms=50)

    def held(self):
        return {p.partition for p in self.consumer.assignment()}

    def commit_positions(self, positions):
        self.consumer.commit({TopicPartition(self.topic, p): position(o) for p, o in positions.items()})

    def close(self):
        self.consumer.close(autocommit=False)


class PythonTransactions:
    def __init__(self, config):
        self.producer = KafkaProducer(**config)
        self.producer.init_transactions()

    def begin(self):
        self.producer.begin_transaction()

    def send(self, topic, records):
        sent = [send(self.producer, topic, r) for r in records]
        self.producer.flush(timeout=20)
        for future in sent:
            future.get(timeout=20)

    def offsets(self, group, topic, partition, offset):
        self.producer.send_offsets_to_transaction({TopicPartition(topic, partition): position(offset)}, group)

    def commit(self):
        self.producer.commit_transaction()

    def abort(self):
        self.producer.abort_transaction()

    def close(self):
        self.producer.close(timeout=5)


class PythonAgent(Agent):
    def __init__(self, bootstrap):
        super().__init__()
        self.config = {"bootstrap_servers": bootstrap}

    def info(self):
        return {
            "codecs": ["none", "gzip", "snappy", "lz4"] + (["zstd"] if ZSTD else []),
            "headers": HEADERS,
            "timestamps": True,
            "nulls": True,
            "binary": True,
            "idempotent": IDEMPOTENT,
            "bulky": True,
            "transactions": TRANSACTIONS,
            "admin": AdminCalls.names() if KafkaAdminClient else [],
        }

    def producer_config(self, codec, acks):
        config = dict(
            self.config,
            acks=acks if acks == "all" else int(acks),
            compression_type=None if codec == "none" else codec,
            linger_ms=5,
        )
        if IDEMPOTENT:
            config["enable_idempotence"] = acks == "all"  # an idempotent producer insists on that
        return config

    def produce(self, topic, codec, acks, records):
        producer = KafkaProducer(**self.producer_config(codec, acks))
        sent = [send(producer, topic, r) for r in records]
        producer.flush(timeout=30)
        offsets = [future.get(timeout=30).offset for future in sent]
        if HOLDS_UNANSWERED and acks == "0":
            producer.partitions_for(topic + "-next")
        producer.close(timeout=10)
        return offsets

    def reader(self, **config):
        return KafkaConsumer(group_id=None, enable_auto_commit=False, auto_offset_reset="earliest", **dict(self.config, **config))

    def fetch(self, topic, partition, offset, count, timeoutMs, isolation=None):
        consumer = self.reader(fetch_max_wait_ms=50, **({"isolation_level": isolation} if isolation else {}))
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        consumer.seek(where, offset)
        records = []
        deadline = time.monotonic() + timeoutMs / 1000
        while len(records) < count and time.monotonic() < deadline:
            for batch in consumer.poll(timeout_ms=200).values():
                records += [record(r) for r in batch]
        consumer.close(autocommit=False)
        return records

    def offsets(self, topic, partition, timestamp):
        consumer = self.reader()
        where = TopicPartition(topic, partition)
        at = consumer.offsets_for_times({where: timestamp})[where]
        result = {
            "first": consumer.beginning_offsets([where])[where],
            "end": consumer.end_offsets([where])[where],
            "byTime": -1 if at is None else at.offset,
        }
        consumer.close(autocommit=False)
        return result

    def stream(self, **args):
        # Before 3.0 the default is no retry at all.
        retries = {} if VERSION >= (3, 0) else {"retries": 1000000}
        return PythonStream(dict(self.producer_config("none", "all"), **retries), **args)

    def member(self, group, topic, limit, sessionMs):
        config = dict(
            self.config,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=HEARTBEAT_MS,
            session_timeout_ms=sessionMs,
        )
        return PythonMember(config, topic, limit)

    def transactions(self, id):
        return PythonTransactions(dict(self.config, transactional_id=id))

    def admin(self, call, **args):
        admin = KafkaAdminClient(**self.config)
        try:
            return getattr(AdminCalls(admin), call)(**args)
        finally:
            admin.close()


class AdminCalls:
    """The admin calls by their names in the harness. The client raises errors by itself."""

    needs = {
        "create": "create_topics",
        "topics": "list_topics",
        "alter": "alter_configs",
        "grow": "create_partitions",
        "truncate": "delete_records",
        "groups": "list_consumer_groups",
        "committed": "list_consumer_group_offsets",
        "dropGroup": "delete_consumer_groups",
        "drop": "delete_topics",
    }

    def __init__(self, admin):
        self.admin = admin

    @classmethod
    def names(cls):
        return [name for name, method in cls.needs.items() if hasattr(KafkaAdminClient, method)]

    def create(self, topic, partitions, configs):
        self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])

    def topics(self):
        return list(self.admin.list_topics())

    def alter(self, topic, name, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])

    def grow(self, topic, partitions):
        self.admin.create_partitions({topic: NewPartitions(partitions)})

    def truncate(self, topic, partition, offset):
        self.admin.delete_records({TopicPartition(topic, partition): offset})

    def groups(self):
        return [group[0] if isinstance(group, tuple) else group["group_id"] for group in self.admin.list_consumer_groups()]

    def committed(self, group, topic, partition):
        return self.admin.list_consumer_group_offsets(group)[TopicPartition(topic, partition)].offset

    def dropGroup(self, group):
        self.admin.delete_consumer_groups([group])

    def drop(self, topic):
        self.admin.delete_topics([topic])


serve(PythonAgent)
