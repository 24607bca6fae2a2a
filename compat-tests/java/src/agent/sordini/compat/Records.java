package sordini.compat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Base64;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Records as JSON: p(artition), o(ffset), t(imestamp, -1 for none), k(ey) and v(alue) in base64 or null, h(eaders) as {n, v}. */
final class Records {
    private Records() {}

    static ProducerRecord<byte[], byte[]> toProducer(String topic, JsonObject json) {
        long timestamp = json.get("t").getAsLong();
        JsonArray headers = json.get("h").isJsonArray() ? json.getAsJsonArray("h") : new JsonArray();
        return Fields.record(topic, json.get("p").getAsInt(), timestamp < 0 ? null : timestamp, bytes(json.get("k")), bytes(json.get("v")), headers);
    }

    static JsonObject toJson(ConsumerRecord<byte[], byte[]> record) {
        JsonObject json = new JsonObject();
        json.addProperty("p", record.partition());
        json.addProperty("o", record.offset());
        json.addProperty("t", Fields.timestamp(record));
        json.add("k", base64(record.key()));
        json.add("v", base64(record.value()));
        json.add("h", Fields.headers(record));
        return json;
    }

    static byte[] bytes(JsonElement e) {
        return e.isJsonNull() ? null : Base64.getDecoder().decode(e.getAsString());
    }

    static JsonElement base64(byte[] b) {
        return b == null ? JsonNull.INSTANCE : new JsonPrimitive(Base64.getEncoder().encodeToString(b));
    }
}
