package servers_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"medusa/servers/httpd"
)

// nginxConfig makes nginx a reverse proxy that keeps connections to the server
// behind it. It listens on a socket in its own directory: no port can be taken.
const nginxConfig = `daemon off;
master_process off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/errors;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	upstream medusa { server %[2]s; keepalive 8; }
	server {
		listen unix:%[1]s/socket;
		location / {
			proxy_pass http://medusa;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $host;
		}
		location /old/ {
			proxy_pass http://medusa/;
			proxy_http_version 1.0;
		}
	}
}
`

// behindNginx starts nginx in front of s and returns a client of it.
func behindNginx(t *testing.T, path string, s *site) *http.Client {
	t.Helper()
	// A path of a socket has at most 107 bytes (unix(7)): TempDir may be longer.
	dir, err := os.MkdirTemp("", "nginx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(nginxConfig, dir, s.address)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-p", dir, "-e", dir+"/errors", "-c", config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", dir+"/socket")
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx: %v; %s", err, said.String())
		}
		if log, err := os.ReadFile(dir + "/errors"); err != nil || bytes.Contains(log, []byte("[error]")) || bytes.Contains(log, []byte("[crit]")) {
			t.Errorf("nginx logged %s; %v", log, err)
		}
	})
	s.until("nginx listens", func() bool {
		c, err := net.Dial("unix", dir+"/socket")
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	return &http.Client{Transport: transport, Timeout: patience}
}

// TestClientNginx: a proxy in front is content: it keeps its connections, and
// what it hands on arrives whole.
func TestClientNginx(t *testing.T) {
	path := program(t, "nginx")
	root := webRoot(t)
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		client := behindNginx(t, path, s)
		ask := func(method, path, body string, fields ...string) (status int, got []byte) {
			request, err := http.NewRequest(method, "http://front"+path, strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return 0, nil
			}
			for i := 0; i < len(fields); i += 2 {
				request.Header.Set(fields[i], fields[i+1])
			}
			response, err := client.Do(request)
			if err != nil {
				t.Errorf("%s %s: %v", method, path, err)
				return 0, nil
			}
			got, err = io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil {
				t.Errorf("%s %s: %v after %d bytes", method, path, err, len(got))
			}
			return response.StatusCode, got
		}
		const clients, each = 8, 10
		var group sync.WaitGroup
		for range clients {
			group.Go(func() {
				for i := range each {
					if status, got := ask("GET", "/text.txt", ""); status != 200 || !bytes.Equal(got, text) {
						t.Errorf("%d, %d bytes", status, len(got))
						return
					}
					if status, got := ask("GET", fmt.Sprintf("/fixed/%d", i), ""); status != 200 || len(got) != i {
						t.Errorf("%d, %d bytes", status, len(got))
						return
					}
				}
			})
		}
		group.Wait()
		for _, test := range []struct {
			method, path, body string
			fields             []string
			status             int
			want               string
		}{
			{"HEAD", "/a.txt", "", nil, 200, ""},
			{"GET", "/none", "", nil, 404, "404 Not Found\n"},
			{"PUT", "/a.txt", strings.Repeat("x", 10_000), nil, 405, "405 Method Not Allowed\n"},
			{"POST", "/fixed/1", "GET / HTTP/1.1\r\n\r\n", nil, 405, "405 Method Not Allowed\n"},
			{"GET", "/a.txt", "", []string{"Range", "bytes=2-4"}, 206, "234"},
			{"GET", "/a.txt", "", []string{"If-None-Match", "*"}, 304, ""},
			{"GET", "/old/a.txt", "", nil, 200, "0123456789"},
			{"GET", "/../a.txt", "", nil, 400, ""},
			{"GET", "/a.txt", "", nil, 200, "0123456789"},
		} {
			if status, got := ask(test.method, test.path, test.body, test.fields...); status != test.status || test.want != "" && string(got) != test.want {
				t.Errorf("%s %s: %d %.100q, want %d %q", test.method, test.path, status, got, test.status, test.want)
			}
		}
		// Of unknown length: in chunks, and until the connection closes.
		for _, path := range []string{"/list/", "/old/list/"} {
			if status, got := ask("GET", path, ""); status != 200 || !bytes.HasSuffix(bytes.TrimSpace(got), []byte("</html>")) {
				t.Errorf("%s: %d %.600q", path, status, got)
			}
		}
		if response, err := client.Get("http://front/big"); err != nil {
			t.Error(err)
		} else {
			n, err := io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if n != bigSize || err != nil {
				t.Errorf("a large file: %d bytes, %v", n, err)
			}
		}
		// HTTP/1.0 and what nginx refuses take a connection each.
		if n := s.counts().Accepted; n > 2*clients+8 {
			t.Errorf("%d requests took %d connections", 2*clients*each, n)
		}
	})
}
