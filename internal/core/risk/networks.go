package risk

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Networks are networks of bad repute. The nil Networks knows none. It never
// changes, and may be used by many at once.
type Networks struct {
	words   map[netip.Prefix]string
	lengths [2][]int // of the prefixes of IPv4 and of IPv6, the longest first
}

const mostWrongLines = 10 // are told of at once

// ReadNetworks reads a list: a network (CIDR) and one word (abuse, tor, hosting,
// vpn) a line, apart by white space. Empty lines and what follows a # are
// passed over. Anything else is wrong and is told with the number of its line:
// a network that was silently left out is one that somebody believes to be
// watched.
func ReadNetworks(r io.Reader) (*Networks, error) {
	n := &Networks{words: map[netip.Prefix]string{}}
	var wrong []error
	lines, line := bufio.NewScanner(r), 0
	for lines.Scan() && len(wrong) < mostWrongLines {
		line++
		if err := n.add(lines.Text()); err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", line, err))
		}
	}
	if err := lines.Err(); err != nil {
		wrong = append(wrong, fmt.Errorf("after line %d: %w", line, err))
	}
	for p := range n.words {
		of := &n.lengths[family(p.Addr())]
		if !slices.Contains(*of, p.Bits()) {
			*of = append(*of, p.Bits())
		}
	}
	for i := range n.lengths {
		slices.SortFunc(n.lengths[i], func(a, b int) int { return cmp.Compare(b, a) })
	}
	return n, errors.Join(wrong...)
}

func (n *Networks) add(line string) error {
	line, _, _ = strings.Cut(line, "#")
	parts := strings.Fields(line)
	if len(parts) == 0 {
		return nil
	}
	if len(parts) != 2 {
		return errors.New("there must be a network and one word")
	}
	p, err := netip.ParsePrefix(parts[0])
	if err != nil || p.Addr().Is4In6() {
		return fmt.Errorf("%q is not a network like 203.0.113.0/24", parts[0])
	}
	if p != p.Masked() {
		return fmt.Errorf("%s has bits behind its end; it would be %s", p, p.Masked())
	}
	if _, ok := reputes[parts[1]]; !ok {
		return fmt.Errorf("%q is not one of %s", parts[1], strings.Join(slices.Sorted(maps.Keys(reputes)), ", "))
	}
	if before, ok := n.words[p]; ok && before != parts[1] {
		return fmt.Errorf("%s stands above with the word %s", p, before)
	}
	n.words[p] = parts[1]
	return nil
}

// Repute is the word for the narrowest network in the list that the address is
// in, or "".
func (n *Networks) Repute(a netip.Addr) string {
	if n == nil || !a.IsValid() {
		return ""
	}
	a = a.Unmap().WithZone("")
	for _, bits := range n.lengths[family(a)] {
		if p, err := a.Prefix(bits); err == nil {
			if word, ok := n.words[p]; ok {
				return word
			}
		}
	}
	return ""
}

// Len is how many networks there are.
func (n *Networks) Len() int {
	if n == nil {
		return 0
	}
	return len(n.words)
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Atlas is what the operator's files say of networks. The zero Atlas has none.
type Atlas struct {
	Geo      *Geo
	Networks *Networks
}

// Close lets go of the files.
func (a Atlas) Close() error { return a.Geo.Close() }
