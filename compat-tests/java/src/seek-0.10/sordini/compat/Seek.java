package sordini.compat;

import java.util.Collections;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** From 0.10 on the seek methods take collections. */
final class Seek {
    private Seek() {}

    static void toBeginning(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
        consumer.seekToBeginning(Collections.singletonList(partition));
    }

    static void toEnd(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
        consumer.seekToEnd(Collections.singletonList(partition));
    }
}
