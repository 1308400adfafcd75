package servers_test

import (
	"testing"

	"medusa/servers/httpd"
)

// pythonClient uses a connection of http.client for everything, so that each
// request finds what the one before it left behind.
const pythonClient = `
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], timeout=20)
def ask(method, path, status, want=None, body=None, chunked=False, **fields):
    c.request(method, path, body=body, headers={k.replace('_', '-'): v for k, v in fields.items()}, encode_chunked=chunked)
    r = c.getresponse()
    got = r.read()
    assert r.status == status, (method, path, r.status, status)
    assert want is None or got == want, (method, path, got[:100], want[:100])
    return r
sock = None
for i in range(3):
    r = ask('GET', '/a.txt', 200, b'0123456789')
    sock = sock or c.sock
    tag = r.getheader('ETag')
    ask('HEAD', '/text.txt', 200, b'')
    ask('GET', '/a.txt', 304, b'', If_None_Match=tag)
    ask('GET', '/a.txt', 206, b'234', Range='bytes=2-4', If_Range=tag)
    ask('GET', '/a.txt', 416, None, Range='bytes=10-')
    ask('POST', '/a.txt', 405, b'405 Method Not Allowed\n', body=b'GET / HTTP/1.1\r\n\r\n')
    ask('PUT', '/a.txt', 405, b'405 Method Not Allowed\n', body=iter([b'one', b'two']), chunked=True, Transfer_Encoding='chunked')
    ask('OPTIONS', '/a.txt', 204, b'')
    ask('OPTIONS', '*', 204, b'')
    ask('GET', '/list/', 200)
    ask('GET', '/none', 404)
    ask('BREW', '/a.txt', 501)
    ask('GET', '/fixed/100000', 200)
    assert c.sock is sock, 'the connection was not kept'
ask('GET', '/a.txt', 200, b'0123456789', Connection='close')
assert c.sock is None, 'the connection was kept'
c._http_vsn, c._http_vsn_str = 10, 'HTTP/1.0'
ask('GET', '/list/', 200)
assert c.sock is None
print('content')
`

func TestClientPython(t *testing.T) {
	python := program(t, "python3")
	root := webRoot(t)
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		if out, err := run(t, python, "-c", pythonClient, s.address); err != nil || out != "content\n" {
			t.Errorf("%v\n%s", err, out)
		}
		s.alone(ownFiles)
	})
}
