package httpd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// conversation is a file of testdata/requests, whose README.md says how these
// are written.
type conversation struct {
	name    string
	sends   []send
	fin     bool // the client's FIN follows the last of sends
	replies []*expectation
	kept    bool
}

// send is bytes that the client sends once it has got so many replies.
type send struct {
	after int
	bytes []byte
}

// expectation is what a reply must be.
type expectation struct {
	line    int // in the file
	status  int
	head    bool
	maybe   bool
	fields  [][2]string
	without []string
	body    *string
	length  int // -1: any
}

// size is how many bytes the client sends.
func (v *conversation) size() (n int) {
	for _, s := range v.sends {
		n += len(s.bytes)
	}
	return n
}

// whole, and bytewise, are the ways to send that cut nothing, and everything.
const (
	whole    = -1
	bytewise = 0
)

// plan is the sends, cut once more before byte number cut.
func (v *conversation) plan(cut int) (sends []send) {
	at := 0
	for _, s := range v.sends {
		switch n := len(s.bytes); {
		case cut == bytewise:
			for i := range s.bytes {
				sends = append(sends, send{s.after, s.bytes[i : i+1]})
			}
		case cut > at && cut < at+n:
			sends = append(sends, send{s.after, s.bytes[:cut-at]}, send{s.after, s.bytes[cut-at:]})
		default:
			sends = append(sends, s)
		}
		at += len(s.bytes)
	}
	return sends
}

// corpus reads the conversations. tag gives the entity tag of a path.
func corpus(t *testing.T, tag func(path string) string) []*conversation {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	var all []*conversation
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := parseConversation(string(text), tag)
		if err != nil {
			t.Fatalf("%s:%v", file, err)
		}
		v.name = strings.TrimSuffix(filepath.Base(file), ".http")
		all = append(all, v)
	}
	return all
}

// parseConversation reads a file. Its errors begin with the line's number.
func parseConversation(text string, tag func(path string) string) (*conversation, error) {
	v := &conversation{}
	ended := false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if ended {
			return nil, fmt.Errorf("%d: something stands below the last line", i+1)
		}
		if line == "" || line[0] == '#' {
			continue
		}
		line = tags.ReplaceAllStringFunc(line, func(s string) string { return tag(tags.FindStringSubmatch(s)[1]) })
		key, rest, _ := strings.Cut(line, " ")
		var err error
		switch key[0] {
		case '>':
			err = v.send(key[1:], rest)
		case '<':
			err = v.expect(i+1, rest)
		case ':', '!', '=', '~':
			if len(v.replies) == 0 {
				err = fmt.Errorf("no response stands above")
				break
			}
			err = v.replies[len(v.replies)-1].add(key, rest)
		default:
			switch line {
			case "fin":
				v.fin = true
			case "kept", "closed":
				v.kept, ended = line == "kept", true
			default:
				err = fmt.Errorf("%q is nothing known", line)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	switch {
	case !ended:
		return nil, fmt.Errorf("0: the last line is neither kept nor closed")
	case v.kept && v.fin:
		return nil, fmt.Errorf("0: after fin a connection cannot be kept")
	case len(v.sends) == 0 && !v.fin:
		return nil, fmt.Errorf("0: nothing is sent")
	}
	return v, nil
}

var tags = regexp.MustCompile(`\{etag ([^ }]+)\}`)

func (v *conversation) send(times, text string) error {
	p, err := repeated(times, text)
	switch {
	case err != nil:
		return err
	case v.fin:
		return fmt.Errorf("the client has closed its sending side")
	}
	after := len(v.replies)
	for after > 0 && v.replies[after-1].maybe {
		after-- // who waited for it might wait for ever
	}
	if n := len(v.sends); n > 0 && v.sends[n-1].after == after {
		v.sends[n-1].bytes = append(v.sends[n-1].bytes, p...)
		return nil
	}
	v.sends = append(v.sends, send{after, []byte(p)})
	return nil
}

func (v *conversation) expect(line int, text string) error {
	e := &expectation{line: line, length: -1}
	times := 1
	for i, word := range strings.Fields(text) {
		var err error
		switch {
		case i == 0:
			e.status, err = strconv.Atoi(word)
		case word == "HEAD":
			e.head = true
		case word == "maybe":
			e.maybe = true
		case word[0] == 'x':
			times, err = strconv.Atoi(word[1:])
		default:
			err = fmt.Errorf("%q says nothing of a response", word)
		}
		if err != nil {
			return err
		}
	}
	if e.status < 100 || times < 1 || e.maybe && e.status > 199 {
		return fmt.Errorf("no response can be %q", text)
	}
	for range times {
		v.replies = append(v.replies, e)
	}
	return nil
}

// add takes a line that says more of the last reply, or of all the last that
// are alike.
func (e *expectation) add(key, text string) error {
	switch key[0] {
	case ':':
		name, value, ok := strings.Cut(text, ": ")
		if !ok {
			return fmt.Errorf("%q is no field", text)
		}
		e.fields = append(e.fields, [2]string{name, value})
	case '!':
		e.without = append(e.without, text)
	case '~':
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		e.length = n
	case '=':
		p, err := repeated(key[1:], text)
		if err != nil {
			return err
		}
		if e.body != nil {
			p = *e.body + p
		}
		e.body = &p
	}
	return nil
}

// repeated undoes the escapes of text and repeats it.
func repeated(times, text string) (string, error) {
	n := 1
	if times != "" {
		var err error
		if n, err = strconv.Atoi(times); err != nil {
			return "", err
		}
	}
	// A quote needs no escape here.
	p, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	return strings.Repeat(p, n), nil
}
