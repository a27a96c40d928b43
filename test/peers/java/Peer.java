import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.FeatureUpdate.UpgradeType;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Reads one request as JSON from standard input, answers it as JSON: see test/interop/peer.ts. */
public class Peer {
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    JsonNode request = JSON.readTree(System.in);
    ObjectNode answer = JSON.createObjectNode();
    switch (request.get("command").asText()) {
      case "produce" -> produce(request, answer);
      case "consume" -> consume(request, answer);
      case "offsets" -> offsets(request, answer);
      case "deleteRecords" -> deleteRecords(request, answer);
      case "admin" -> admin(request, answer);
      case "features" -> features(request, answer);
      default -> throw new IllegalArgumentException("unknown command");
    }
    System.out.println(JSON.writeValueAsString(answer));
  }

  static Properties properties(JsonNode request) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", request.get("bootstrap").asText());
    for (var config : request.path("security").properties()) {
      properties.put(config.getKey(), config.getValue().asText());
    }
    return properties;
  }

  static void produce(JsonNode request, ObjectNode answer) throws Exception {
    Properties properties = properties(request);
    properties.put("compression.type", request.get("codec").asText());
    properties.put("linger.ms", "50");
    ArrayNode offsets = answer.putArray("offsets");
    var serializer = new ByteArraySerializer();
    try (var producer = new KafkaProducer<>(properties, serializer, serializer)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (JsonNode record : request.get("records")) {
        var out =
            new ProducerRecord<>(
                request.get("topic").asText(),
                record.get("partition").asInt(),
                record.get("timestamp").asLong(),
                bytes(record.get("key")),
                bytes(record.get("value")));
        for (JsonNode header : record.get("headers")) {
          out.headers().add(header.get(0).asText(), bytes(header.get(1)));
        }
        sent.add(producer.send(out));
      }
      for (var metadata : sent) offsets.add(metadata.get().offset());
    }
  }

  static KafkaConsumer<byte[], byte[]> consumer(JsonNode request) {
    Properties properties = properties(request);
    properties.put("enable.auto.commit", "false");
    var deserializer = new ByteArrayDeserializer();
    return new KafkaConsumer<>(properties, deserializer, deserializer);
  }

  static TopicPartition partition(JsonNode request) {
    return new TopicPartition(request.get("topic").asText(), request.get("partition").asInt());
  }

  static void consume(JsonNode request, ObjectNode answer) {
    ArrayNode records = answer.putArray("records");
    try (var consumer = consumer(request)) {
      TopicPartition partition = partition(request);
      consumer.assign(List.of(partition));
      consumer.seek(partition, request.get("offset").asLong());
      while (records.size() < request.get("count").asInt()) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          ObjectNode out = records.addObject();
          out.put("offset", record.offset());
          out.put("timestamp", record.timestamp());
          out.put("key", text(record.key()));
          out.put("value", text(record.value()));
          ArrayNode headers = out.putArray("headers");
          record.headers().forEach(h -> headers.addArray().add(h.key()).add(text(h.value())));
        }
      }
    }
  }

  static void offsets(JsonNode request, ObjectNode answer) {
    try (var consumer = consumer(request)) {
      TopicPartition partition = partition(request);
      answer.put("beginning", consumer.beginningOffsets(List.of(partition)).get(partition));
      answer.put("end", consumer.endOffsets(List.of(partition)).get(partition));
      var found =
          consumer.offsetsForTimes(Map.of(partition, request.get("timestamp").asLong())).get(partition);
      ObjectNode forTime = found == null ? null : answer.putObject("forTime");
      if (found != null) forTime.put("offset", found.offset()).put("timestamp", found.timestamp());
    }
  }

  static void deleteRecords(JsonNode request, ObjectNode answer) throws Exception {
    try (Admin admin = Admin.create(properties(request))) {
      TopicPartition partition = partition(request);
      var before = RecordsToDelete.beforeOffset(request.get("offset").asLong());
      var deleted = admin.deleteRecords(Map.of(partition, before)).lowWatermarks().get(partition);
      answer.put("lowWatermark", deleted.get().lowWatermark());
    }
  }

  static void admin(JsonNode request, ObjectNode answer) throws Exception {
    String topic = request.get("topic").asText();
    try (Admin admin = Admin.create(properties(request))) {
      var configs = Map.of("retention.ms", "60000");
      admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1).configs(configs))).all().get();
      answer.put("createdPartitions", partitions(admin, topic));
      answer.put("createdRetention", retention(admin, topic));

      var entry = new ConfigEntry("retention.ms", "120000");
      var set = List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET));
      admin.incrementalAlterConfigs(Map.of(resource(topic), set)).all().get();
      answer.put("alteredRetention", retention(admin, topic));

      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
      answer.put("grownPartitions", partitions(admin, topic));
      answer.put("listed", admin.listTopics().names().get().contains(topic));
      answer.put("brokers", admin.describeCluster().nodes().get().size());

      admin.deleteTopics(List.of(topic)).all().get();
      answer.put("listedAfterDelete", admin.listTopics().names().get().contains(topic));
    }
  }

  static void features(JsonNode request, ObjectNode answer) throws Exception {
    String name = request.get("feature").asText();
    try (Admin admin = Admin.create(properties(request))) {
      ArrayNode levels = answer.putArray("levels").add(level(admin, name));
      answer.put("refusedUpgrade", update(admin, name, 9, UpgradeType.UPGRADE, false));
      answer.put("askedOnly", update(admin, name, 0, UpgradeType.SAFE_DOWNGRADE, true));
      levels.add(level(admin, name));
      answer.put("downgrade", update(admin, name, 0, UpgradeType.SAFE_DOWNGRADE, false));
      levels.add(level(admin, name));
      answer.put("upgrade", update(admin, name, levels.get(0).asInt(), UpgradeType.UPGRADE, false));
      levels.add(level(admin, name));
    }
  }

  static int level(Admin admin, String feature) throws Exception {
    var finalized = admin.describeFeatures().featureMetadata().get().finalizedFeatures();
    var range = finalized.get(feature);
    return range == null ? 0 : range.maxVersionLevel();
  }

  /** The name of the error, or "done". */
  static String update(Admin admin, String feature, int level, UpgradeType type, boolean askOnly)
      throws Exception {
    var updates = Map.of(feature, new FeatureUpdate((short) level, type));
    var options = new UpdateFeaturesOptions().validateOnly(askOnly);
    try {
      admin.updateFeatures(updates, options).all().get();
      return "done";
    } catch (ExecutionException e) {
      return e.getCause().getClass().getSimpleName();
    }
  }

  static int partitions(Admin admin, String topic) throws Exception {
    var described = admin.describeTopics(List.of(topic)).allTopicNames().get();
    return described.get(topic).partitions().size();
  }

  static ConfigResource resource(String topic) {
    return new ConfigResource(ConfigResource.Type.TOPIC, topic);
  }

  static String retention(Admin admin, String topic) throws Exception {
    var described = admin.describeConfigs(List.of(resource(topic))).all().get();
    return described.get(resource(topic)).get("retention.ms").value();
  }

  static byte[] bytes(JsonNode base64) {
    return base64.isNull() ? null : Base64.getDecoder().decode(base64.asText());
  }

  static String text(byte[] bytes) {
    return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
  }
}
