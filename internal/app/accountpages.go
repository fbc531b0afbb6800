package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drawdown"
	"drawdown/api/office"
	"drawdown/consumer/murmur"
)

// Accounts implements [office.Accounts]: by partition, then in order of id. The store hands out ids in no order, so a page
// takes a walk through the partition's ids, of which only the page is kept. That is for people who look around; a program
// that wants all of them asks for long pages.
func (l *LiveAccounts) Accounts(ctx context.Context, cursor string, limit int) (ids []string, next string, err error) {
	all, err := l.all(ctx)
	if err != nil {
		return nil, "", err
	}
	partition, after, err := parseAccountCursor(cursor, len(all))
	if err != nil {
		return nil, "", err
	}
	for ; partition < len(all); partition++ {
		found, err := l.accountsAfter(ctx, int32(partition), after, limit-len(ids)+1)
		if err != nil {
			return nil, "", err
		}
		ids, after = append(ids, found...), ""
		if len(ids) > limit {
			last := ids[limit-1] // perhaps of an earlier partition
			return ids[:limit], accountCursor(int(murmur.Partition([]byte(last), len(all))), last), nil
		}
	}
	return ids, "", nil
}

// accountsAfter returns the first ids of a partition after one, in order.
func (l *LiveAccounts) accountsAfter(ctx context.Context, partition int32, after string, limit int) ([]string, error) {
	var first []string
	for at := ""; ; {
		page, next, err := l.store.Accounts(ctx, partition, at)
		if err != nil {
			return nil, err
		}
		for _, id := range page {
			first = insertID(first, id, after, limit)
		}
		if next == "" {
			return first, nil
		}
		at = next
	}
}

// insertID keeps the first ids in order, each once.
func insertID(first []string, id, after string, limit int) []string {
	if id <= after || len(first) == limit && id >= first[limit-1] {
		return first
	}
	place, there := slices.BinarySearch(first, id)
	if there {
		return first
	}
	if len(first) == limit {
		first = first[:limit-1]
	}
	return slices.Insert(first, place, id)
}

// accountCursor says where a page ended.
func accountCursor(partition int, last string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%s", partition, last))
}

func parseAccountCursor(cursor string, partitions int) (partition int, after string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return 0, "", fmt.Errorf("accounts: %w: %w", office.ErrBadCursor, err)
	}
	number, after, found := strings.Cut(string(text), "/")
	partition, err = strconv.Atoi(number)
	if err != nil || !found || partition < 0 || partition >= partitions || !drawdown.ValidAccount([]byte(after)) {
		return 0, "", fmt.Errorf("accounts: %w: %.80q", office.ErrBadCursor, text)
	}
	return partition, after, nil
}
