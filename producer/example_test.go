package producer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"drawdown/producer"
)

// A sync worker reports each stream's progress and learns at the end whether everything arrived.
func Example() {
	ctx := context.Background()
	p, err := producer.New(producer.Config{Brokers: []string{"kafka-1:9092", "kafka-2:9092"}})
	if err != nil {
		log.Fatal(err)
	}
	attempt, err := p.Attempt(producer.Usage{
		Account: "acme", Connection: "shop-to-lake",
		SourceConnector: "source-postgres", DestinationConnector: "destination-s3",
		Job: 4711, Attempt: 0,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := attempt.Report(ctx, "public.orders", producer.Amount{Records: 10_000, Bytes: 2_400_000}, time.Now()); err != nil {
		log.Print(err)
	}

	closing, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var failure *producer.DeliveryError
	if err := p.Close(closing); errors.As(err, &failure) {
		// Keep failure.Undelivered and report it again later: seq and ids stay the same.
		log.Print(err)
	}
}

// What breaks the contract is refused before anything is sent, with every fault named.
func ExampleUsage_Validate() {
	usage := producer.Usage{
		Account: "acme corp", Connection: "shop-to-lake",
		SourceConnector: "source-postgres", DestinationConnector: "destination-s3", Records: -1,
	}
	fmt.Println(usage.Validate())
	// Output: producer: usage event: account: only A-Z a-z 0-9 . _ : - (byte 4 is ' '); seq: an integer from 1 to 2^53-1 (it is 0); records: an integer from 0 to 2^53-1 (it is -1)
}

// The id follows from connection, job, attempt and seq, so that a retry repeats it.
func ExampleUsage_ID() {
	usage := producer.Usage{Connection: "shop-to-lake", Job: 4711, Attempt: 1, Seq: 3}
	fmt.Println(usage.ID())
	// Output: shop-to-lake/4711/1/3
}

// Programs that write other records append them themselves and learn where they are.
func ExampleLog_Append() {
	records, err := producer.NewLog(producer.Config{Brokers: []string{"kafka-1:9092"}})
	if err != nil {
		log.Fatal(err)
	}
	defer records.Close()
	event := []byte(`{"specversion":"1.0", …}`)
	partition, offset, err := records.Append(context.Background(), "acme", event)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("written to partition %d at offset %d\n", partition, offset)
}
