package truthd

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Entry is what a server knows of one request. Times are nanoseconds of
// CLOCK_MONOTONIC; 0: that did not come.
type Entry struct {
	Port    uint16 // of the peer
	Ordinal int64  // requests on that connection before it
	Arrival int64  // just after the read that returned its last byte
	Work    int64  // the delay that was decided, without waiting for others; a duration
	Reply   int64  // just before the write of its reply
	Sent    int64  // just after that write
	Fate    Fate
}

// logHeader names the columns of a log, which are the fields of Entry.
const logHeader = "peer_port,ordinal,arrival_ns,work_ns,reply_ns,sent_ns,fate"

// WriteLog writes a log as CSV, with a header line.
func WriteLog(w io.Writer, all []Entry) error {
	b := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintln(b, logHeader)
	line := make([]byte, 0, 128)
	for _, e := range all {
		line = strconv.AppendUint(line[:0], uint64(e.Port), 10)
		for _, v := range []int64{e.Ordinal, e.Arrival, e.Work, e.Reply, e.Sent} {
			line = strconv.AppendInt(append(line, ','), v, 10)
		}
		line = append(append(append(line, ','), e.Fate.String()...), '\n')
		b.Write(line)
	}
	return b.Flush()
}

// ReadLog reads what WriteLog wrote.
func ReadLog(r io.Reader) ([]Entry, error) {
	lines := bufio.NewScanner(r)
	var all []Entry
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if lines.Text() != logHeader {
				return nil, fmt.Errorf("line 1: no log of a truth server; its header is %s", logHeader)
			}
			continue
		}
		e, err := readEntry(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, e)
	}
	return all, lines.Err()
}

func readEntry(line string) (e Entry, err error) {
	fields := strings.Split(line, ",")
	if len(fields) != 7 {
		return e, fmt.Errorf("%d fields, not 7", len(fields))
	}
	port, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return e, err
	}
	e.Port = uint16(port)
	for i, v := range []*int64{&e.Ordinal, &e.Arrival, &e.Work, &e.Reply, &e.Sent} {
		if *v, err = strconv.ParseInt(fields[1+i], 10, 64); err != nil {
			return e, err
		}
	}
	fate := slices.Index(fateNames, fields[6])
	if fate < 0 {
		return e, fmt.Errorf("there is no fate called %q", fields[6])
	}
	e.Fate = Fate(fate)
	return e, nil
}
