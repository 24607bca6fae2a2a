package sordini.compat;

import com.google.gson.JsonObject;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;

/** What the admin client of 0.11 and later does with a topic: create, describe, list, describe its configs, delete. */
final class Topics {
    static final boolean ADMIN = true;

    private Topics() {}

    static JsonObject goThrough(Properties config, String topic) throws Exception {
        JsonObject facts = new JsonObject();
        Collection<String> one = Collections.singletonList(topic);
        try (AdminClient admin = AdminClient.create(config)) {
            NewTopic asked = new NewTopic(topic, 3, (short) 1).configs(Collections.singletonMap("retention.ms", "123456789"));
            admin.createTopics(Collections.singletonList(asked)).all().get();
            TopicDescription described = describe(admin.describeTopics(one)).get(topic);
            facts.addProperty("partitions", described.partitions().size());
            facts.addProperty("leaders", described.partitions().stream().map(p -> p.leader()).filter(l -> l != null && !l.isEmpty()).count());
            facts.addProperty("listed", admin.listTopics().names().get().contains(topic));
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            Config configs = admin.describeConfigs(Collections.singletonList(resource)).all().get().get(resource);
            ConfigEntry retention = configs.get("retention.ms");
            facts.addProperty("retentionMs", retention.value());
            facts.addProperty("retentionIsDefault", retention.isDefault());
            facts.addProperty("cleanupPolicy", configs.get("cleanup.policy").value());
            facts.addProperty("cleanupPolicyIsDefault", configs.get("cleanup.policy").isDefault());
            Collection<Node> nodes = admin.describeCluster().nodes().get();
            facts.addProperty("nodes", nodes.size());
            ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, nodes.iterator().next().idString());
            Config brokerConfigs = admin.describeConfigs(Collections.singletonList(broker)).all().get().get(broker);
            facts.addProperty("brokerPartitions", brokerConfigs.get("num.partitions").value());
            admin.deleteTopics(one).all().get();
            facts.addProperty("listedAfterDelete", admin.listTopics().names().get().contains(topic));
        }
        return facts;
    }

    /** The method was all() until 3.9 and is allTopicNames() from 3.1 on. */
    @SuppressWarnings("unchecked")
    private static Map<String, TopicDescription> describe(DescribeTopicsResult result) throws Exception {
        KafkaFuture<?> future;
        try {
            future = (KafkaFuture<?>) DescribeTopicsResult.class.getMethod("allTopicNames").invoke(result);
        } catch (NoSuchMethodException e) {
            future = (KafkaFuture<?>) DescribeTopicsResult.class.getMethod("all").invoke(result);
        }
        return (Map<String, TopicDescription>) future.get();
    }
}
