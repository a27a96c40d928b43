import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * A Kafka Streams application that keeps the largest value of each key of the topic "numbers". Once
 * it has so many keys, none with a value below a limit, it prints how many records its store was
 * restored from, and the store, and ends without closing anything.
 */
public final class Latest {
  private static long restored = 0;

  public static void main(String[] args) throws InterruptedException {
    int keys = Integer.parseInt(args[2]);
    String limit = args[3];
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .<String, String>stream("numbers")
        .groupByKey()
        .reduce(
            (old, next) -> next.compareTo(old) > 0 ? next : old,
            Materialized.as(Stores.inMemoryKeyValueStore("latest")));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings(args[0], args[1]));
    streams.setGlobalStateRestoreListener(new Counting());
    streams.start();
    while (true) {
      Thread.sleep(100);
      if (streams.state() != KafkaStreams.State.RUNNING) continue;
      Map<String, String> store = contents(streams);
      if (store.size() < keys) continue;
      if (store.values().stream().anyMatch(value -> value.compareTo(limit) < 0)) continue;
      System.out.println("restored " + restored);
      store.forEach((key, value) -> System.out.println(key + " " + value.trim()));
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }
  }

  private static Properties settings(String bootstrap, String stateDirectory) {
    Properties settings = new Properties();
    settings.put("application.id", "latest");
    settings.put("bootstrap.servers", bootstrap);
    settings.put("state.dir", stateDirectory);
    settings.put("commit.interval.ms", "100");
    // The next run waits for so long until the broker gives up the member of this one.
    settings.put("session.timeout.ms", "6000");
    settings.put("statestore.cache.max.bytes", "0");
    settings.put("default.key.serde", Serdes.StringSerde.class);
    settings.put("default.value.serde", Serdes.StringSerde.class);
    settings.put("topic.segment.bytes", String.valueOf(1 << 20));
    return settings;
  }

  private static Map<String, String> contents(KafkaStreams streams) {
    var type = QueryableStoreTypes.<String, String>keyValueStore();
    var store = streams.store(StoreQueryParameters.fromNameAndType("latest", type));
    Map<String, String> contents = new java.util.TreeMap<>();
    try (var all = store.all()) {
      all.forEachRemaining(entry -> contents.put(entry.key, entry.value));
    }
    return contents;
  }

  private static final class Counting implements StateRestoreListener {
    @Override
    public void onRestoreStart(TopicPartition partition, String store, long from, long to) {}

    @Override
    public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

    @Override
    public void onRestoreEnd(TopicPartition partition, String store, long count) {
      restored += count;
    }
  }
}
