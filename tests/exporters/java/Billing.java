import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes a bill for each order. It has no tracing code: OpenTelemetry's Java agent traces it. */
final class Billing {
    public static void main(String[] arguments) throws Exception {
        String broker = arguments[0];
        Map<String, Object> consuming =
                Map.of("bootstrap.servers", broker, "group.id", arguments[1], "auto.offset.reset", "earliest");
        try (var consumer =
                        new KafkaConsumer<>(consuming, new StringDeserializer(), new StringDeserializer());
                var producer = new KafkaProducer<>(
                        Map.<String, Object>of("bootstrap.servers", broker),
                        new StringSerializer(),
                        new StringSerializer())) {
            consumer.subscribe(List.of(arguments[2]));
            System.out.println("ready");
            while (true) {
                for (var order : consumer.poll(Duration.ofSeconds(1))) {
                    producer.send(new ProducerRecord<>(arguments[3], order.key(), "billed")).get();
                }
            }
        }
    }
}
