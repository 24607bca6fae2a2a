// Package streams runs an exactly-once program on released versions of Kafka Streams while the broker and the program are killed, and
// then counts: every input has had its effect once, in a topic that is copied and in sums by account behind a repartition topic.
package streams

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// input is one value of the topic "in".
func input(account int, amount int64, number int) string {
	return fmt.Sprintf("a%d:%d:%d", account, amount, number)
}

// verdict holds the sums, in the order of each account, against the inputs, and says what is wrong.
func verdict(inputs []string, sums map[string][]string) []string {
	var faults []string
	count, total := map[string]int{}, map[string]int64{}
	for _, value := range inputs {
		account, rest, _ := strings.Cut(value, ":")
		amount, _, _ := strings.Cut(rest, ":")
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil {
			return []string{fmt.Sprintf("input %q", value)}
		}
		count[account]++
		total[account] += n
	}
	for account, list := range sums {
		if count[account] == 0 {
			faults = append(faults, fmt.Sprintf("account %s has sums and no input", account))
		}
		for i, sum := range list {
			if n, _, _ := strings.Cut(sum, ":"); n != strconv.Itoa(i+1) {
				faults = append(faults, fmt.Sprintf("sum %d of account %s is %s: an input counted twice or not at all", i+1, account, sum))
				break
			}
		}
	}
	for account, n := range count {
		last := "nothing"
		if list := sums[account]; len(list) > 0 {
			last = list[len(list)-1]
		}
		if want := fmt.Sprintf("%d:%d", n, total[account]); last != want {
			faults = append(faults, fmt.Sprintf("account %s ends with %s, want %s", account, last, want))
		}
	}
	slices.Sort(faults)
	return faults
}
