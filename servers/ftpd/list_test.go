package ftpd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLists(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		for _, name := range []string{"b.txt", "a b", ".hidden", "sub/x.txt", "sub/y", "ü", "line\nend", "[a]"} {
			s.file(name, []byte("12345"))
		}
		old := time.Date(1999, 12, 31, 23, 59, 58, 0, time.UTC)
		for _, name := range []string{"b.txt", "a b", "sub"} {
			if err := os.Chtimes(filepath.Join(s.dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("b.txt", filepath.Join(s.dir, "link")); err != nil {
			t.Fatal(err)
		}
		c := s.login()
		for _, test := range []struct{ line, want string }{
			{"NLST", ".hidden [a] a b b.txt link sub ü"},
			{"NLST sub", "sub/x.txt sub/y"},
			{"NLST sub/", "sub/x.txt sub/y"},
			{"NLST /sub", "/sub/x.txt /sub/y"},
			{"NLST *.txt", "b.txt"},
			{"NLST sub/*.txt", "sub/x.txt"},
			{"NLST sub/?", "sub/y"},
			{"NLST [a]", "[a]"},
			{"NLST none*", ""},
		} {
			got := strings.TrimSuffix(strings.ReplaceAll(string(c.get(test.line)), "\r\n", "|"), "|")
			want := strings.NewReplacer("a b", "a b", " ", "|").Replace(test.want)
			if want = strings.Replace(want, "|a|b|", "|a b|", 1); got != want {
				t.Errorf("%s: %q, want %q", test.line, got, want)
			}
		}
		for _, line := range []string{"LIST", "LIST -la", "LIST -l -a", "LIST -a .", "LIST /"} {
			got := string(c.get(line))
			for _, want := range []string{"-rw-r--r-- 1 ftp ftp            5 Dec 31  1999 a b\r\n", "drwxr-xr-x 1 ftp ftp ", " sub\r\n", "lrwxrwxrwx 1 ftp ftp ", " link\r\n"} {
				if !strings.Contains(got, want) {
					t.Errorf("%s: %q lacks %q", line, got, want)
				}
			}
			if n := strings.Count(got, "\n"); n != 7 || strings.Contains(got, "line") {
				t.Errorf("%s: %d lines: %q", line, n, got)
			}
		}
		if got := string(c.get("LIST b.txt")); got != "-rw-r--r-- 1 ftp ftp            5 Dec 31  1999 b.txt\r\n" {
			t.Errorf("one file: %q", got)
		}
		got := string(c.get("MLSD"))
		for _, want := range []string{"type=file;size=5;modify=19991231235958;perm=adfrw;unix.mode=0644; a b\r\n", "type=dir;modify=19991231235958;perm=cdeflmp;unix.mode=0755; sub\r\n", "type=OS.unix=symlink;"} {
			if !strings.Contains(got, want) {
				t.Errorf("MLSD: %q lacks %q", got, want)
			}
		}
		c.ask(200, "OPTS MLST size;")
		if got := string(c.get("MLSD sub")); got != "size=5; x.txt\r\nsize=5; y\r\n" {
			t.Errorf("MLSD of a fact: %q", got)
		}
		for line, code := range map[string]int{"LIST none": 550, "NLST none": 550, "MLSD none": 550, "MLSD b.txt": 501, "MLSD *": 550, "LIST [": 550, "LIST sub/[": 550} {
			c.ask(code, line)
		}
	})
}

// TestLargeDirectory: a list of many entries, and a pattern that few match.
func TestLargeDirectory(t *testing.T) {
	const many = 13000 // over portion times what a producer may be asked in vain
	dir := t.TempDir()
	for i := range many {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%05d", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	onEach(t, func(t *testing.T, backend string) {
		s := openAt(t, backend, Config{}, dir)
		c := s.login()
		if n := strings.Count(string(c.get("NLST")), "\n"); n != many {
			t.Errorf("%d names of %d", n, many)
		}
		if got := string(c.get("NLST f00007")); got != "f00007\r\n" {
			t.Errorf("one of them: %q", got)
		}
		if got := string(c.get("NLST *x")); got != "" {
			t.Errorf("none of them: %q", got)
		}
		if text := c.ask(212, "STAT ."); strings.Count(text, "\n") != many+1 {
			t.Errorf("STAT has %d lines", strings.Count(text, "\n"))
		}
		c.ask(200, "NOOP")
	})
}
