package sordini.compat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** A transactional producer (KIP-98), made ready when it is made. */
final class Transaction {
    static final boolean KNOWN = true;

    private final KafkaProducer<byte[], byte[]> producer;

    Transaction(String bootstrap, JsonObject args) {
        Properties config = Agent.producerConfig(bootstrap);
        config.put("transactional.id", args.get("id").getAsString());
        producer = new KafkaProducer<>(config);
        producer.initTransactions();
    }

    void begin() {
        producer.beginTransaction();
    }

    /** Sends and flushes; a refusal shows up in commit. */
    void send(JsonObject args) {
        for (JsonElement e : args.getAsJsonArray("records")) {
            producer.send(Records.toProducer(args.get("topic").getAsString(), e.getAsJsonObject()));
        }
        producer.flush();
    }

    void offsets(JsonObject args) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        offsets.put(new TopicPartition(args.get("topic").getAsString(), args.get("partition").getAsInt()), new OffsetAndMetadata(args.get("offset").getAsLong()));
        GroupOffsets.send(producer, offsets, args.get("group").getAsString());
    }

    void commit() {
        producer.commitTransaction();
    }

    void abort() {
        producer.abortTransaction();
    }

    void close() {
        producer.close();
    }
}
