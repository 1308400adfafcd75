package filesys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"medusa/poller/loop"

	"pgregory.net/rapid"
)

// model is a cache as a list of names, the most recently used first.
type model struct {
	o     CacheOptions
	names []*modelName
	stats CacheStats
}

type modelName struct {
	name    string
	there   bool
	text    string
	version int // of the file
	checked time.Duration
	entry   *Entry // what the cache gave
}

func (n *modelName) open(o CacheOptions) bool { return n.there && len(n.text) > o.File }

// disk is what is in the file system.
type disk map[string]*modelName

// get is the model of Cache.Get: what the name stands for, and whether the
// entry must be the one of last time.
func (m *model) get(d disk, name string, now time.Duration) (n *modelName, same bool) {
	i := slices.IndexFunc(m.names, func(n *modelName) bool { return n.name == name })
	is := modelName{name: name, checked: now}
	if f := d[name]; f != nil {
		is.there, is.text, is.version = true, f.text, f.version
	}
	if i < 0 {
		m.stats.Misses++
		m.names = slices.Insert(m.names, 0, &is)
		m.evict()
		return &is, false
	}
	n = m.names[i]
	m.names = slices.Insert(slices.Delete(m.names, i, i+1), 0, n)
	if now-n.checked < m.o.Recheck {
		m.stats.Hits++
		return n, n.there
	}
	m.stats.Checks++
	n.checked = now
	if n.there == is.there && n.version == is.version {
		return n, n.there
	}
	m.names[0] = &is
	m.evict()
	return &is, false
}

func (m *model) evict() {
	last := func(too func() bool, what func(*modelName) bool) {
		for too() {
			i := len(m.names) - 1
			for !what(m.names[i]) {
				i--
			}
			m.names = slices.Delete(m.names, i, i+1)
			m.stats.Evictions++
		}
	}
	count := func(what func(*modelName) bool) (n int) {
		for _, name := range m.names {
			if what(name) {
				n++
			}
		}
		return n
	}
	missing := func(n *modelName) bool { return !n.there }
	open := func(n *modelName) bool { return n.open(m.o) }
	held := func(n *modelName) bool { return n.there && !n.open(m.o) }
	content := func() (bytes int64) {
		for _, n := range m.names {
			if held(n) {
				bytes += int64(len(n.text))
			}
		}
		return bytes
	}
	last(func() bool { return count(open) > m.o.Open }, open)
	last(func() bool { return count(missing) > m.o.Entries/4 }, missing)
	last(func() bool { return len(m.names) > m.o.Entries }, func(*modelName) bool { return true })
	last(func() bool { return content() > m.o.Content }, held)
	m.stats.Entries, m.stats.Missing, m.stats.Open, m.stats.Content = len(m.names), count(missing), count(open), content()
}

// A random sequence of uses and changes, against the model: what is returned,
// what is counted, that the bounds hold after each step, and that exactly those
// files are open that the cache keeps or somebody uses.
func TestCacheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		clock := longAgo
		m := NewMemory(1<<20, func() time.Time { clock = clock.Add(time.Millisecond); return clock })
		w := &watched{FS: m}
		o := CacheOptions{Content: 40, File: 20, Open: 3, Entries: 8, Recheck: time.Second, Wall: today}
		c, is := NewCache(w, o), &model{o: o}
		d, version := disk{}, 0
		var now time.Duration
		var used []*Entry
		name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("f%d", rapid.IntRange(0, 15).Draw(t, "name")) })
		get := func(t *rapid.T) {
			n := name.Draw(t, "get")
			e, err := c.Get([]byte(n), loop.Time(now))
			want, same := is.get(d, n, now)
			if (err == nil) != want.there || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%s: %v, want %+v", n, err, want)
			}
			if err != nil {
				return
			}
			if e.Size != int64(len(want.text)) || (e.Content == nil) != want.open(o) || e.Content != nil && string(e.Content) != want.text {
				t.Fatalf("%s: %+v, want %+v", n, e, want)
			}
			if same != (e == want.entry) {
				t.Fatalf("%s: the same entry: %v", n, e == want.entry)
			}
			want.entry = e
			if len(used) < 20 && rapid.Bool().Draw(t, "keep") {
				used = append(used, e)
			} else {
				e.Release()
			}
		}
		release := func(i int) {
			if e := used[i]; e.Content == nil {
				if _, err := e.ReaderAt().ReadAt(make([]byte, 1), 0); errors.Is(err, fs.ErrClosed) {
					t.Fatalf("%s was closed in use", e.name)
				}
			}
			used[i].Release()
			used = slices.Delete(used, i, i+1)
		}
		write := func(t *rapid.T) {
			n, size := name.Draw(t, "write"), rapid.IntRange(0, 40).Draw(t, "size")
			version++
			f := &modelName{text: string(bytes.Repeat([]byte{byte('a' + size%26)}, size)), version: version}
			// By another name, so that what is open keeps its size.
			w, err := m.OpenFile("new", store, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Write([]byte(f.text))
			if err := errors.Join(err, w.Close(), m.Rename("new", n)); err != nil {
				t.Fatal(err)
			}
			d[n] = f
		}
		for range 20 {
			write(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				for range 5 {
					get(t)
				}
			},
			"write": write,
			"remove": func(t *rapid.T) {
				if n := name.Draw(t, "remove"); d[n] != nil {
					if err := m.Remove(n); err != nil {
						t.Fatal(err)
					}
					delete(d, n)
				}
			},
			"wait": func(t *rapid.T) { now += time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond },
			"release": func(t *rapid.T) {
				if len(used) > 0 {
					release(rapid.IntRange(0, len(used)-1).Draw(t, "which"))
				}
			},
			"": func(t *rapid.T) {
				if got := c.Stats(); got != is.stats {
					t.Fatalf("%+v, want %+v", got, is.stats)
				}
				open := map[*Entry]bool{}
				for _, n := range is.names {
					if n.open(o) {
						open[n.entry] = true
					}
				}
				for _, e := range used {
					if e.Content == nil {
						open[e] = true
					}
				}
				if w.open != len(open) {
					t.Fatalf("%d files are open, want %d", w.open, len(open))
				}
			},
		})
		c.Close()
		for len(used) > 0 {
			release(0)
		}
		if w.open != 0 {
			t.Fatalf("%d files are open at the end", w.open)
		}
	})
}
