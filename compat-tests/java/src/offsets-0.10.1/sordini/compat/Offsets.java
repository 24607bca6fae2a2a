package sordini.compat;

import com.google.gson.JsonObject;
import java.util.Collections;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;

/** From 0.10.1 on a consumer can ask for offsets, also by time (KIP-79). */
final class Offsets {
    static final boolean BY_TIME = true;

    private Offsets() {}

    static JsonObject of(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long timestamp) {
        JsonObject result = new JsonObject();
        result.addProperty("first", consumer.beginningOffsets(Collections.singletonList(partition)).get(partition));
        result.addProperty("end", consumer.endOffsets(Collections.singletonList(partition)).get(partition));
        OffsetAndTimestamp at = consumer.offsetsForTimes(Collections.singletonMap(partition, timestamp)).get(partition);
        result.addProperty("byTime", at == null ? -1 : at.offset());
        return result;
    }
}
