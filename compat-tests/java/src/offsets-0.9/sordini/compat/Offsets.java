package sordini.compat;

import com.google.gson.JsonObject;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Until 0.10.0 a consumer learns where a partition begins and ends by going there, and nothing by time. */
final class Offsets {
    static final boolean BY_TIME = false;

    private Offsets() {}

    static JsonObject of(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long timestamp) {
        JsonObject result = new JsonObject();
        Seek.toBeginning(consumer, partition);
        result.addProperty("first", consumer.position(partition));
        Seek.toEnd(consumer, partition);
        result.addProperty("end", consumer.position(partition));
        return result;
    }
}
