package httpd

import (
	"net/url"
	"strings"
	"testing"
)

// TestLocation: the redirect to a directory stays on this host, whatever its
// name, is one line, and leads back to the same name (RFC 3986 section 5.2).
func TestLocation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, query, want string }{
		{"a", "", "/a/"},
		{"a/b c", "", "/a/b%20c/"},
		{".", "x", "/?x"},
		{"a", "b=c&d=%20e?/", "/a/?b=c&d=%20e?/"},
		{"a", "[x]\"{|}\r\nA: b\x00\xff<>", "/a/?%5Bx%5D%22%7B%7C%7D%0D%0AA:%20b%00%FF%3C%3E"},
		{`\evil.example`, "", "/%5Cevil.example/"},
		{`\\evil.example`, "", "/%5C%5Cevil.example/"},
		{"http:/evil.example", "", "/http%3A/evil.example/"},
		{"\t/evil.example", "", "/%09/evil.example/"},
		{"a\r\nSet-Cookie: b", "", "/a%0D%0ASet-Cookie%3A%20b/"},
		{"%2e%2e", "", "/%252e%252e/"},
		{"a?b#c", "", "/a%3Fb%23c/"},
		{"\xff\xfe", "", "/%FF%FE/"},
		{"ä", "", "/%C3%A4/"},
	} {
		var query []byte
		if test.query != "" {
			query = []byte(test.query)
		}
		got := string(appendLocation(nil, []byte(test.name), query))
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.name, got, test.want)
		}
		base, _ := url.Parse("http://good.example/x/y")
		u, err := base.Parse(got)
		if err != nil || u.Host != "good.example" || u.Scheme != "http" {
			t.Errorf("%q: %s leads to %v, %v", test.name, got, u, err)
			continue
		}
		if back := strings.Trim(u.Path, "/"); test.name != "." && back != strings.Trim(test.name, "/") {
			t.Errorf("%q: %s leads to %q", test.name, got, back)
		}
	}
	if got := string(appendLocation(nil, []byte("a"), []byte{})); got != "/a/?" {
		t.Errorf("an empty query: %s", got)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a b.txt": "a b.txt", "ä": "ä", "日本\u3000語": "日本\u3000語", "<b>&\"'": "&lt;b&gt;&amp;&#34;&#39;",
		"a\nb\x00\x7f": "a\ufffdb\ufffd\ufffd", "\xff\xc3": "\ufffd\ufffd", "\u202egnp": "\ufffdgnp",
	} {
		if got := shown(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
