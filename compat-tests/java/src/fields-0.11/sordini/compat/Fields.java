package sordini.compat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Records of 0.11 and later have headers (KIP-82). */
final class Fields {
    static final boolean TIMESTAMPS = true;
    static final boolean HEADERS = true;

    private Fields() {}

    static ProducerRecord<byte[], byte[]> record(String topic, int partition, Long timestamp, byte[] key, byte[] value, JsonArray headers) {
        List<Header> list = new ArrayList<>();
        for (JsonElement e : headers) {
            JsonObject h = e.getAsJsonObject();
            list.add(new RecordHeader(h.get("n").getAsString(), Records.bytes(h.get("v"))));
        }
        return new ProducerRecord<>(topic, partition, timestamp, key, value, list);
    }

    static long timestamp(ConsumerRecord<byte[], byte[]> record) {
        return record.timestamp();
    }

    static JsonArray headers(ConsumerRecord<byte[], byte[]> record) {
        JsonArray list = new JsonArray();
        for (Header h : record.headers()) {
            JsonObject json = new JsonObject();
            json.addProperty("n", h.key());
            json.add("v", Records.base64(h.value()));
            list.add(json);
        }
        return list;
    }
}
