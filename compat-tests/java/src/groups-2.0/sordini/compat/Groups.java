package sordini.compat;

import com.google.gson.JsonObject;
import java.util.Collections;
import java.util.Properties;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;

/** From 2.0 on the admin client lists and describes consumer groups (KIP-222). */
final class Groups {
    static final boolean ADMIN = true;

    private Groups() {}

    @SuppressWarnings("deprecation") // the names since 4.0 are others for the same
    static JsonObject describe(Properties config, String group) throws Exception {
        JsonObject facts = new JsonObject();
        try (AdminClient admin = AdminClient.create(config)) {
            facts.addProperty("listed", admin.listConsumerGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group)));
            ConsumerGroupDescription described = admin.describeConsumerGroups(Collections.singletonList(group)).all().get().get(group);
            facts.addProperty("state", String.valueOf(described.state()));
            facts.addProperty("members", described.members().size());
            facts.addProperty("held", described.members().stream().mapToInt(m -> m.assignment().topicPartitions().size()).sum());
            facts.addProperty("assignor", described.partitionAssignor());
            facts.addProperty("committed", admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(o -> o.offset()).sum());
        }
        return facts;
    }
}
