package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"drawdown"
	"drawdown/consumer"
)

type rejectsCommand struct {
	List    rejectsListCommand    `cmd:"" help:"List rejected records."`
	Show    rejectsShowCommand    `cmd:"" help:"Show one whole."`
	Redrive rejectsRedriveCommand `cmd:"" help:"Append rejected records to the log again, when what made them be rejected is gone."`
}

// rejectFlags choose rejected records.
type rejectFlags struct {
	Reason    string        `help:"Only those with this reason, such as unknown_connector." placeholder:"REASON"`
	Account   string        `help:"Only those of this account." placeholder:"ID"`
	Partition int32         `default:"-1" help:"Only those of this partition."`
	Since     time.Duration `help:"Only those of the last while, such as 24h." placeholder:"DURATION"`
}

func (f *rejectFlags) filter() consumer.RejectFilter {
	filter := consumer.AllRejects()
	filter.Reason, filter.Account, filter.Partition = drawdown.Reason(f.Reason), f.Account, f.Partition
	if f.Since > 0 {
		filter.Since = drawdown.TimeOf(time.Now().Add(-f.Since))
	}
	return filter
}

// openRejects connects to the topic of rejected records.
func (c *commands) openRejects() (rejects *consumer.Rejects, closeAll func(), err error) {
	config, err := c.load()
	if err != nil {
		return nil, nil, err
	}
	cluster, err := config.Cluster()
	if err != nil {
		return nil, nil, err
	}
	rejects, err = consumer.NewRejects(config.Worker, cluster.Transport, cluster.Addr, config.Logger())
	return rejects, cluster.Close, err
}

type rejectsListCommand struct {
	rejectFlags
	JSON bool `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *rejectsListCommand) Run(ctx context.Context, line *commands) error {
	rejects, closeAll, err := line.openRejects()
	if err != nil {
		return err
	}
	defer closeAll()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "POSITION\tREASON\tACCOUNT\tREJECTED\tRECORD")
	}
	for record, err := range rejects.List(ctx, c.filter()) {
		if err != nil {
			return err
		}
		if c.JSON {
			if err := printRejectJSON(record); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%d:%d\t%s\t%s\t%s\t%s\n", record.Partition, record.Offset, record.Reason, record.Account, record.Rejected, shortened(record.Value))
	}
	return table.Flush()
}

// shortened shows the beginning of a record on one line.
func shortened(value []byte) string {
	const length = 60
	text := strconv.Quote(string(value[:min(len(value), length)]))
	if len(value) > length {
		text += "…"
	}
	return text
}

func printRejectJSON(r *consumer.RejectedRecord) error {
	headers := map[string]string{}
	for _, header := range r.Headers {
		headers[header.Name] = string(header.Value)
	}
	object := map[string]any{
		"partition": r.Partition, "offset": r.Offset, "n": r.N, "reason": r.Reason, "account": r.Account,
		"at": r.At.String(), "rejected": r.Rejected.String(), "key": string(r.Key), "headers": headers,
	}
	if utf8.Valid(r.Value) {
		object["value"] = string(r.Value)
	} else {
		object["value_base64"] = r.Value // bytes become base64
	}
	return printJSON(object)
}

type rejectsShowCommand struct {
	Position string `arg:"" help:"partition:offset, as list prints it."`
}

// Run implements the command.
func (c *rejectsShowCommand) Run(ctx context.Context, line *commands) error {
	partitionText, offsetText, _ := strings.Cut(c.Position, ":")
	partition, err := strconv.ParseInt(partitionText, 10, 32)
	if err != nil {
		return fmt.Errorf("%q is no position; it has the form partition:offset", c.Position)
	}
	offset, err := strconv.ParseInt(offsetText, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no position; it has the form partition:offset", c.Position)
	}
	rejects, closeAll, err := line.openRejects()
	if err != nil {
		return err
	}
	defer closeAll()
	record, err := rejects.Show(ctx, int32(partition), drawdown.Offset(offset))
	if err != nil {
		return err
	}
	return printRejectJSON(record)
}

type rejectsRedriveCommand struct {
	rejectFlags
}

func (*rejectsRedriveCommand) Help() string {
	return `Redriving is safe to repeat: a record that was applied meanwhile is a duplicate, and one that is still wrong is rejected
again. Choose what to redrive with the same flags as list; without any, all rejected records are put back.`
}

// Run implements the command.
func (c *rejectsRedriveCommand) Run(ctx context.Context, line *commands) error {
	rejects, closeAll, err := line.openRejects()
	if err != nil {
		return err
	}
	defer closeAll()
	count, err := rejects.Redrive(ctx, c.filter())
	fmt.Printf("%d records put back\n", count)
	return err
}
