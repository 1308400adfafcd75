package ftpd

import "golang.org/x/sys/unix"

// urgent sends text as urgent data: the mark is at its last byte.
func (c *client) urgent(text string) {
	c.t.Helper()
	raw, err := c.conn.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { _, sent = unix.SendmsgN(int(fd), []byte(text), nil, nil, unix.MSG_OOB) }); err != nil || sent != nil {
		c.t.Fatal(err, sent)
	}
}
