import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of a group until it is told to end by SIGTERM: see test/harness/group-member.ts. */
public class Member implements ConsumerRebalanceListener {
  static final ObjectMapper JSON = new ObjectMapper();
  static volatile boolean leaving = false;

  final TreeSet<Integer> owned = new TreeSet<>();
  /** Consumed, but not committed yet: commits fail during a rebalance. */
  final Map<TopicPartition, OffsetAndMetadata> pending = new HashMap<>();
  KafkaConsumer<byte[], byte[]> consumer;

  public static void main(String[] args) throws Exception {
    JsonNode request = JSON.readTree(System.in);
    var member = new Member();
    var main = Thread.currentThread();
    member.consumer = new KafkaConsumer<>(properties(request));
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  leaving = true;
                  member.consumer.wakeup();
                  try {
                    main.join();
                  } catch (InterruptedException ignored) {
                    // The process ends either way.
                  }
                }));
    member.run(request.get("topic").asText());
  }

  static Properties properties(JsonNode request) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", request.get("bootstrap").asText());
    properties.put("client.id", "java");
    properties.put("group.id", request.get("group").asText());
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "earliest");
    properties.put("fetch.max.wait.ms", "100");
    properties.put("reconnect.backoff.max.ms", "500");
    properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("group.protocol", request.get("protocol").asText());
    String assignor = request.path("assignor").asText("");
    if (request.get("protocol").asText().equals("classic")) {
      properties.put("session.timeout.ms", request.get("sessionTimeoutMs").asText());
      properties.put("heartbeat.interval.ms", request.get("heartbeatIntervalMs").asText());
      String prefix = "org.apache.kafka.clients.consumer.";
      properties.put(
          "partition.assignment.strategy",
          prefix + (assignor.isEmpty() ? "RangeAssignor" : assignor));
    } else if (!assignor.isEmpty()) {
      properties.put("group.remote.assignor", assignor);
    }
    if (request.hasNonNull("instanceId")) {
      properties.put("group.instance.id", request.get("instanceId").asText());
    }
    return properties;
  }

  void run(String topic) {
    consumer.subscribe(List.of(topic), this);
    try {
      while (!leaving) poll();
    } catch (WakeupException ignored) {
      // The shutdown hook has woken the poll up.
    }
    try {
      consumer.close();
    } catch (KafkaException error) {
      tell(Map.of("event", "failed", "error", error.toString()));
    }
    tell(Map.of("event", "left"));
  }

  void poll() {
    var records = consumer.poll(Duration.ofMillis(100));
    for (TopicPartition partition : records.partitions()) {
      var offsets = records.records(partition).stream().map(record -> record.offset()).toList();
      tell(Map.of("event", "records", "partition", partition.partition(), "offsets", offsets));
      pending.put(partition, new OffsetAndMetadata(offsets.get(offsets.size() - 1) + 1));
    }
    if (pending.isEmpty()) return;
    try {
      consumer.commitSync(pending);
      Map<String, Long> told = new TreeMap<>();
      pending.forEach((each, next) -> told.put(String.valueOf(each.partition()), next.offset()));
      tell(Map.of("event", "committed", "offsets", told));
      pending.clear();
    } catch (WakeupException error) {
      throw error;
    } catch (KafkaException error) {
      tell(Map.of("event", "failed", "error", error.toString()));
    }
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    partitions.forEach(partition -> owned.add(partition.partition()));
    tellOwned();
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    partitions.forEach(partition -> owned.remove(partition.partition()));
    pending.keySet().removeAll(partitions);
    tellOwned();
  }

  void tellOwned() {
    int generation = consumer.groupMetadata().generationId();
    tell(Map.of("event", "owns", "generation", generation, "partitions", owned));
  }

  static synchronized void tell(Map<String, ?> event) {
    try {
      System.out.println(JSON.writeValueAsString(event));
      System.out.flush();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }
}
