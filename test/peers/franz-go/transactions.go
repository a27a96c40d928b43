package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transactions tells what kadm, and so rpk, sees of a transaction that is open, and of it afterwards.
func transactions(ctx context.Context, in request) any {
	producer := client(in,
		kgo.TransactionalID(in.Topic),
		kgo.TransactionTimeout(50*time.Second),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer producer.Close()
	manager := kadm.NewClient(client(in))
	defer manager.Close()
	check(producer.BeginTransaction())
	check(producer.ProduceSync(ctx, &kgo.Record{Topic: in.Topic, Value: []byte("one")}).FirstErr())
	open := seen(ctx, manager, in.Topic)
	check(producer.EndTransaction(ctx, kgo.TryCommit))
	ended := seen(ctx, manager, in.Topic)
	// The end is decided. A moment later every partition has its marker.
	for ended["state"] == "PrepareCommit" {
		time.Sleep(10 * time.Millisecond)
		ended = seen(ctx, manager, in.Topic)
	}
	return map[string]any{"open": open, "ended": ended}
}

func seen(ctx context.Context, manager *kadm.Client, topic string) map[string]any {
	described, err := manager.DescribeTransactions(ctx, topic)
	check(err)
	transaction := described[topic]
	check(transaction.Err)
	ids := []int64{transaction.ProducerID}
	list := func(states []string, pattern string) []string {
		listed, err := manager.ListTransactionsByTxPattern(ctx, ids, states, pattern)
		check(err)
		return listed.TransactionalIDs()
	}
	place := kadm.TopicsSet{}
	place.Add(topic, 0)
	producers, err := manager.DescribeProducers(ctx, place)
	check(err)
	starts := []int64{}
	for _, producer := range producers.SortedProducers() {
		starts = append(starts, producer.CurrentTxnStartOffset)
	}
	return map[string]any{
		"state": transaction.State, "timeoutMs": transaction.TimeoutMillis,
		"partitions": len(transaction.Topics[topic]), "starts": starts,
		"listed": list(nil, ""), "ongoing": list([]string{"Ongoing"}, ""),
		"others": list(nil, "other-.*"),
	}
}

// transform: see Transform in test/interop/transactions-suite.ts.
func transform(_ context.Context, in request) any {
	m := &mover{in: in, aborted: map[int64]bool{}}
	for m.moved < int64(in.Count) {
		if err := m.session(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return map[string]any{"moved": m.moved}
}

type mover struct {
	in      request
	moved   int64
	aborted map[int64]bool
}

func (m *mover) session(ctx context.Context) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(m.in.Bootstrap),
		kgo.TransactionalID(m.in.TransactionalId),
		kgo.ConsumerGroup(m.in.Group),
		// A member that can't leave, because the broker is down, is waited for so long.
		kgo.SessionTimeout(6*time.Second),
		kgo.HeartbeatInterval(time.Second),
		kgo.ConsumeTopics(m.in.From),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets())
	if err != nil {
		return err
	}
	defer session.Close()
	for m.moved < int64(m.in.Count) {
		fetches := session.PollRecords(ctx, 1)
		for _, failure := range fetches.Errors() {
			return failure.Err
		}
		for _, record := range fetches.Records() {
			if err := m.move(ctx, session, record); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mover) move(ctx context.Context, session *kgo.GroupTransactSession, r *kgo.Record) error {
	if err := session.Begin(); err != nil {
		return err
	}
	copied := &kgo.Record{Topic: m.in.To, Value: r.Value}
	sent := session.ProduceSync(ctx, copied).FirstErr() == nil
	aborts := r.Offset%int64(m.in.AbortedEvery) == 0 && !m.aborted[r.Offset]
	m.aborted[r.Offset] = true
	committed, err := session.End(ctx, kgo.TransactionEndTry(sent && !aborts))
	if committed {
		m.moved = r.Offset + 1
	}
	return err
}
