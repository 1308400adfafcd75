package control

import (
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	for text, want := range map[string]stat{
		"7 (nginx) S 5 7 7 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0":         {5, 'S', 27 * tick},
		"7 (a) Z 9 (b) R 5 7 7 0 -1 4194560 1 2 3 4 11 12 0 1 20 0 1 0":       {5, 'R', tick},
		"7 (web server (old)) Z 1 7 7 0 -1 4194560 1 2 3 4 0 0 0 0 20 0 1 0 ": {1, 'Z', 0},
	} {
		if got, ok := parseStat([]byte(text)); !ok || got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "7 (a", "7 (a)", "7 (a) S 5", "7 (a) S x 7 7 0 -1 4194560 1 2 3 4 11 12 13 14", "7 (a) S 5 7 7 0 -1 4194560 1 2 3 4 11 12 13 x"} {
		if got, ok := parseStat([]byte(text)); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestCountConnections(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0605047F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0605047F:1F90 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0605047F:1F90 0100007F:8001 08 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0605047F:1F90 0100007F:8002 06 00000000:00000000 00:00000000 00000000     0        0 0
   4: 0605047F:1F91 0100007F:8003 01 00000000:00000000 00:00000000 00000000     0        0 4
   5: 0100007F:8000 0605047F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 5
`
	if n := countConnections([]byte(table), netip.MustParseAddrPort("127.4.5.6:8080")); n != 2 {
		t.Errorf("%d connections, want those established and those that the client has closed: 2", n)
	}
	if got := hexAddress(netip.MustParseAddrPort("[2001:db8::1]:80")); got != "B80D0120000000000000000001000000:0050" {
		t.Errorf("IPv6 is %s", got)
	}
}

// A zombie is none of the processes; who is below a child is.
func TestTreeBelow(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & read line")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait()
	}()
	var tree Tree
	for len(tree.Below()) < 2 { // until the shell has started the other
	}
	pids := tree.Below()
	if len(pids) != 2 || pids[0] != cmd.Process.Pid {
		t.Fatalf("below %d are %v, the shell is %d", os.Getpid(), pids, cmd.Process.Pid)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	for len(tree.Below()) > 0 { // the shell ends and is not waited for, its child is nobody's here
	}
}

// A process that has ended and that its parent has not waited for keeps its
// CPU time in the sum.
func TestTreeCountsZombies(t *testing.T) {
	// The shell begins a child that burns, and becomes a program that waits for
	// nobody.
	cmd := exec.Command("/bin/sh", "-c", "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done' & exec sleep 60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	zombie := func() bool {
		for _, p := range processes() {
			if p.parent == cmd.Process.Pid && p.state == 'Z' {
				return true
			}
		}
		return false
	}
	var tree Tree
	var most int64
	for deadline := time.Now().Add(30 * time.Second); !zombie(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the child did not end")
		}
		most = max(most, tree.Take(false, netip.AddrPort{}).CPUNs)
	}
	if most < 1e7 {
		t.Fatalf("the child used %d ns while it ran: nothing to lose", most)
	}
	if got := tree.Take(false, netip.AddrPort{}).CPUNs; got < most {
		t.Errorf("%d ns when the child had ended, %d before", got, most)
	}
}
