package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// member is one of a group until it is told to end by SIGTERM: see test/harness/group-member.ts.
type member struct {
	mutex sync.Mutex
	topic string
	owned map[int32]bool
	// Consumed, but not committed yet: commits fail during a rebalance.
	pending map[int32]*kgo.Record
	client  *kgo.Client
}

type event map[string]any

var telling sync.Mutex

func tell(what event) {
	telling.Lock()
	defer telling.Unlock()
	check(json.NewEncoder(os.Stdout).Encode(what))
}

func runMember(_ context.Context, in request) any {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m := &member{topic: in.Topic, owned: map[int32]bool{}, pending: map[int32]*kgo.Record{}}
	options := []kgo.Opt{
		kgo.ClientID("franz-go"),
		kgo.ConsumerGroup(in.Group),
		kgo.ConsumeTopics(in.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.OnPartitionsAssigned(m.changed(true)),
		kgo.OnPartitionsRevoked(m.changed(false)),
		kgo.OnPartitionsLost(m.changed(false)),
	}
	if in.Protocol == "consumer" {
		options = append(options, kgo.Balancers(kgo.StickyBalancer()), kgo.ServerSideBalancer())
	} else {
		options = append(options,
			kgo.SessionTimeout(time.Duration(in.SessionTimeoutMs)*time.Millisecond),
			kgo.HeartbeatInterval(time.Duration(in.HeartbeatIntervalMs)*time.Millisecond))
	}
	if in.InstanceId != "" {
		options = append(options, kgo.InstanceID(in.InstanceId))
	}
	m.client = client(in, options...)
	for ctx.Err() == nil {
		m.poll(ctx)
	}
	m.client.CloseAllowingRebalance()
	return event{"event": "left"}
}

func (m *member) poll(ctx context.Context) {
	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fetches := m.client.PollFetches(soon)
	defer m.client.AllowRebalance()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	fetches.EachPartition(func(partition kgo.FetchTopicPartition) {
		offsets := []int64{}
		for _, record := range partition.Records {
			offsets = append(offsets, record.Offset)
			m.pending[record.Partition] = record
		}
		if len(offsets) > 0 {
			tell(event{"event": "records", "partition": partition.Partition, "offsets": offsets})
		}
	})
	if len(m.pending) == 0 {
		return
	}
	last := []*kgo.Record{}
	next := map[int32]int64{}
	for partition, record := range m.pending {
		last = append(last, record)
		next[partition] = record.Offset + 1
	}
	if err := m.client.CommitRecords(ctx, last...); err == nil {
		m.pending = map[int32]*kgo.Record{}
		tell(event{"event": "committed", "offsets": next})
	} else if !errors.Is(err, context.Canceled) {
		tell(event{"event": "failed", "error": err.Error()})
	}
}

func (m *member) changed(gained bool) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, changed *kgo.Client, topics map[string][]int32) {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		for _, partition := range topics[m.topic] {
			if gained {
				m.owned[partition] = true
			} else {
				delete(m.owned, partition)
				delete(m.pending, partition)
			}
		}
		partitions := []int{}
		for partition := range m.owned {
			partitions = append(partitions, int(partition))
		}
		sort.Ints(partitions)
		_, generation := changed.GroupMetadata()
		tell(event{"event": "owns", "generation": generation, "partitions": partitions})
	}
}
