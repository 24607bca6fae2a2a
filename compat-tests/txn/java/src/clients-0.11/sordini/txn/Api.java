package sordini.txn;

import java.util.Map;
import java.util.Set;
import java.util.HashMap;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** kafka-clients 0.11 to 2.4: offsets are sent for a group's name, which fences nobody: one copier at a time. */
final class Api {
    private Api() {}

    static ConsumerRecords<String, String> poll(KafkaConsumer<String, String> consumer, long timeoutMs) {
        return consumer.poll(timeoutMs);
    }

    static void sendOffsets(KafkaProducer<String, String> producer, Map<TopicPartition, OffsetAndMetadata> offsets,
            String group, KafkaConsumer<String, String> consumer) {
        producer.sendOffsetsToTransaction(offsets, group);
    }

    static Map<TopicPartition, OffsetAndMetadata> committed(KafkaConsumer<String, String> consumer, Set<TopicPartition> partitions) {
        Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
        for (TopicPartition tp : partitions) committed.put(tp, consumer.committed(tp));
        return committed;
    }
}
