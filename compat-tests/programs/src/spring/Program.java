import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;

/** A listener that sends every line on in capitals, as a service built with Spring Kafka does: containers, templates, batches of acknowledgements. */
@Configuration
@EnableKafka
public class Program {
    static String bootstrap;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        System.setProperty("name", args[1]);
        AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext(Program.class);
        context.registerShutdownHook();
        Thread.currentThread().join();
    }

    @Bean
    public ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("key.deserializer", StringDeserializer.class);
        config.put("value.deserializer", StringDeserializer.class);
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "earliest");
        config.put("session.timeout.ms", 6000);
        config.put("heartbeat.interval.ms", 300);
        ConcurrentKafkaListenerContainerFactory<String, String> factory = new ConcurrentKafkaListenerContainerFactory<>();
        factory.setConsumerFactory(new DefaultKafkaConsumerFactory<>(config));
        factory.setConcurrency(2);
        return factory;
    }

    @Bean
    public KafkaTemplate<String, String> kafkaTemplate() {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("key.serializer", StringSerializer.class);
        config.put("value.serializer", StringSerializer.class);
        config.put("acks", "all");
        config.put("retries", 1000000);
        return new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(config));
    }

    @Bean
    public Listener listener(KafkaTemplate<String, String> template) {
        return new Listener(template);
    }

    public static class Listener {
        private final KafkaTemplate<String, String> template;

        public Listener(KafkaTemplate<String, String> template) {
            this.template = template;
        }

        @KafkaListener(topics = "${name}-lines", groupId = "${name}")
        public void shout(ConsumerRecord<String, String> line) throws Exception {
            // Waited for: the container commits what the listener has returned from.
            template.send(System.getProperty("name") + "-out", line.key(), line.value().toUpperCase()).get();
        }
    }
}
