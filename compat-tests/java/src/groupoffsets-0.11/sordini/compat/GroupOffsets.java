package sordini.compat;

import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** Until 2.4 offsets are sent to a transaction under the name of the group alone. */
final class GroupOffsets {
    private GroupOffsets() {}

    static void send(KafkaProducer<byte[], byte[]> producer, Map<TopicPartition, OffsetAndMetadata> offsets, String group) {
        producer.sendOffsetsToTransaction(offsets, group);
    }
}
