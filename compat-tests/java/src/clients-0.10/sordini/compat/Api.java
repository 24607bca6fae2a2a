package sordini.compat;

import com.google.gson.JsonArray;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** The API of kafka-clients 0.10: no headers, no idempotence, poll with a number. */
final class Api {
    static final String[] CODECS = {"none", "gzip", "snappy", "lz4"};
    static final boolean HEADERS = false;
    static final boolean IDEMPOTENT = false;

    private Api() {}

    static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long timeoutMs) {
        return consumer.poll(timeoutMs);
    }

    static ProducerRecord<byte[], byte[]> record(String topic, int partition, Long timestamp, byte[] key, byte[] value, JsonArray headers) {
        return new ProducerRecord<>(topic, partition, timestamp, key, value);
    }

    static JsonArray headers(ConsumerRecord<byte[], byte[]> record) {
        return new JsonArray();
    }
}
