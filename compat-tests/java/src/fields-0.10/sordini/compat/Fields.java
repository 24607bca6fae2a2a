package sordini.compat;

import com.google.gson.JsonArray;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Records of 0.10 have a timestamp (KIP-32). */
final class Fields {
    static final boolean TIMESTAMPS = true;
    static final boolean HEADERS = false;

    private Fields() {}

    static ProducerRecord<byte[], byte[]> record(String topic, int partition, Long timestamp, byte[] key, byte[] value, JsonArray headers) {
        return new ProducerRecord<>(topic, partition, timestamp, key, value);
    }

    static long timestamp(ConsumerRecord<byte[], byte[]> record) {
        return record.timestamp();
    }

    static JsonArray headers(ConsumerRecord<byte[], byte[]> record) {
        return new JsonArray();
    }
}
