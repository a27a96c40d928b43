import java.io.FileReader;
import java.io.IOException;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;

/**
 * A Kafka Streams application that counts the words of the topic "lines", exactly once. For each
 * word it reads, it writes the word and its new count to the topic "counts". It runs until it is
 * killed. Its arguments are the bootstrap servers, its directory, and a file with more settings.
 */
public final class WordCount {
  public static void main(String[] args) throws InterruptedException, IOException {
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .<String, String>stream("lines")
        .flatMapValues(line -> List.of(line.split(" ")))
        .groupBy((key, word) -> word)
        .count()
        .toStream()
        .mapValues((word, count) -> word + " " + count)
        .to("counts");
    Properties settings = settings(args[0], args[1]);
    if (args.length > 2) {
      try (var file = new FileReader(args[2])) {
        settings.load(file);
      }
    }
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(1);
          throw new AssertionError();
        });
    streams.start();
    Thread.sleep(Long.MAX_VALUE);
  }

  private static Properties settings(String bootstrap, String stateDirectory) {
    Properties settings = new Properties();
    settings.put("application.id", "word-count");
    settings.put("bootstrap.servers", bootstrap);
    settings.put("state.dir", stateDirectory);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("num.stream.threads", "2");
    settings.put("commit.interval.ms", "200");
    // The next run waits for so long until the broker gives up the members of this one.
    settings.put("session.timeout.ms", "6000");
    // Each update is written, so that a doubled word shows even if a later count replaces it.
    settings.put("statestore.cache.max.bytes", "0");
    settings.put("default.key.serde", Serdes.StringSerde.class);
    settings.put("default.value.serde", Serdes.StringSerde.class);
    return settings;
  }
}
