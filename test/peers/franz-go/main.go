// Reads one request as JSON from standard input, answers it as JSON: see test/interop/peer.ts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type record struct {
	Partition int32   `json:"partition,omitempty"`
	Offset    int64   `json:"offset"`
	Timestamp int64   `json:"timestamp"`
	Key       []byte  `json:"key"`
	Value     []byte  `json:"value"`
	Headers   [][]any `json:"headers"`
}

type request struct {
	Command   string   `json:"command"`
	Bootstrap string   `json:"bootstrap"`
	Topic     string   `json:"topic"`
	Codec     string   `json:"codec"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Count     int      `json:"count"`
	Timestamp int64    `json:"timestamp"`
	Records   []record `json:"records"`
	Security  security `json:"security"`

	Group               string `json:"group"`
	Protocol            string `json:"protocol"`
	InstanceId          string `json:"instanceId"`
	SessionTimeoutMs    int    `json:"sessionTimeoutMs"`
	HeartbeatIntervalMs int    `json:"heartbeatIntervalMs"`

	From            string `json:"from"`
	To              string `json:"to"`
	TransactionalId string `json:"transactionalId"`
	AbortedEvery    int    `json:"abortedEvery"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	var in request
	check(json.NewDecoder(os.Stdin).Decode(&in))
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	commands := map[string]func(context.Context, request) any{
		"produce": produce, "consume": consume, "offsets": offsets,
		"deleteRecords": deleteRecords, "admin": admin, "member": runMember,
		"transactions": transactions, "transform": transform,
	}
	check(json.NewEncoder(os.Stdout).Encode(commands[in.Command](ctx, in)))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func client(in request, options ...kgo.Opt) *kgo.Client {
	options = append(options, kgo.SeedBrokers(in.Bootstrap))
	made, err := kgo.NewClient(append(options, in.Security.options()...)...)
	check(err)
	return made
}

func produce(ctx context.Context, in request) any {
	producer := client(in,
		kgo.ProducerBatchCompression(codecs[in.Codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(50*time.Millisecond))
	defer producer.Close()
	records := make([]*kgo.Record, len(in.Records))
	for i, r := range in.Records {
		records[i] = &kgo.Record{
			Topic: in.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value,
			Timestamp: time.UnixMilli(r.Timestamp),
		}
		for _, h := range r.Headers {
			header := kgo.RecordHeader{Key: h[0].(string)}
			if text, ok := h[1].(string); ok {
				check(json.Unmarshal([]byte(`"`+text+`"`), &header.Value))
			}
			records[i].Headers = append(records[i].Headers, header)
		}
	}
	check(producer.ProduceSync(ctx, records...).FirstErr())
	out := make([]int64, len(records))
	for i, r := range records {
		out[i] = r.Offset
	}
	return map[string]any{"offsets": out}
}

func consume(ctx context.Context, in request) any {
	consumer := client(in, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		in.Topic: {in.Partition: kgo.NewOffset().At(in.Offset)},
	}))
	defer consumer.Close()
	records := []record{}
	for len(records) < in.Count {
		fetches := consumer.PollFetches(ctx)
		for _, failure := range fetches.Errors() {
			check(failure.Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			headers := [][]any{}
			for _, h := range r.Headers {
				headers = append(headers, []any{h.Key, h.Value})
			}
			records = append(records, record{
				Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
				Key: r.Key, Value: r.Value, Headers: headers,
			})
		})
	}
	return map[string]any{"records": records}
}

func offsets(ctx context.Context, in request) any {
	manager := kadm.NewClient(client(in))
	defer manager.Close()
	at := func(listed kadm.ListedOffsets, err error) kadm.ListedOffset {
		check(err)
		found, _ := listed.Lookup(in.Topic, in.Partition)
		check(found.Err)
		return found
	}
	found := at(manager.ListOffsetsAfterMilli(ctx, in.Timestamp, in.Topic))
	return map[string]any{
		"beginning": at(manager.ListStartOffsets(ctx, in.Topic)).Offset,
		"end":       at(manager.ListEndOffsets(ctx, in.Topic)).Offset,
		"forTime":   map[string]any{"offset": found.Offset, "timestamp": found.Timestamp},
	}
}

func deleteRecords(ctx context.Context, in request) any {
	manager := kadm.NewClient(client(in))
	defer manager.Close()
	before := kadm.Offsets{}
	before.AddOffset(in.Topic, in.Partition, in.Offset, -1)
	deleted, err := manager.DeleteRecords(ctx, before)
	check(err)
	found, _ := deleted.Lookup(in.Topic, in.Partition)
	check(found.Err)
	return map[string]any{"lowWatermark": found.LowWatermark}
}

func admin(ctx context.Context, in request) any {
	manager := kadm.NewClient(client(in))
	defer manager.Close()
	partitions := func() int {
		described, err := manager.ListTopics(ctx, in.Topic)
		check(err)
		return len(described[in.Topic].Partitions)
	}
	listed := func() bool {
		// A client caches metadata: only a new one is certain to ask.
		fresh := kadm.NewClient(client(in))
		defer fresh.Close()
		names, err := fresh.ListTopics(ctx)
		check(err)
		return names.Has(in.Topic)
	}
	retention := func() string {
		described, err := manager.DescribeTopicConfigs(ctx, in.Topic)
		check(err)
		for _, config := range described[0].Configs {
			if config.Key == "retention.ms" {
				return config.MaybeValue()
			}
		}
		return ""
	}

	before, after := "60000", "120000"
	_, err := manager.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &before}, in.Topic)
	check(err)
	out := map[string]any{"createdPartitions": partitions(), "createdRetention": retention()}
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &after}}
	altered, err := manager.AlterTopicConfigs(ctx, set, in.Topic)
	check(err)
	check(altered[0].Err)
	out["alteredRetention"] = retention()
	grown, err := manager.UpdatePartitions(ctx, 3, in.Topic)
	check(err)
	check(grown.Error())
	out["grownPartitions"] = partitions()
	out["listed"] = listed()
	brokers, err := manager.ListBrokers(ctx)
	check(err)
	out["brokers"] = len(brokers)
	deleted, err := manager.DeleteTopics(ctx, in.Topic)
	check(err)
	check(deleted.Error())
	out["listedAfterDelete"] = listed()
	return out
}
