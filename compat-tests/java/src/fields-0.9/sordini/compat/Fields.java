package sordini.compat;

import com.google.gson.JsonArray;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Records of 0.9 have a key and a value. */
final class Fields {
    static final boolean TIMESTAMPS = false;
    static final boolean HEADERS = false;

    private Fields() {}

    static ProducerRecord<byte[], byte[]> record(String topic, int partition, Long timestamp, byte[] key, byte[] value, JsonArray headers) {
        return new ProducerRecord<>(topic, partition, key, value);
    }

    static long timestamp(ConsumerRecord<byte[], byte[]> record) {
        return -1;
    }

    static JsonArray headers(ConsumerRecord<byte[], byte[]> record) {
        return new JsonArray();
    }
}
